"""`coterie block`, `coterie unblock`, `coterie blocks`"""

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say, table
from coterie.cli.profile import ask


def block(username: Username, as_json: Json = False) -> None:
    """Take no more direct messages from somebody.

    \b
    coterie block chen
    """
    ask(lambda client: client.block(username))
    say(as_json, {"username": username}, f"{username} cannot write to you any more.")


def unblock(username: Username, as_json: Json = False) -> None:
    """Take direct messages from somebody again.

    \b
    coterie unblock chen
    """
    ask(lambda client: client.unblock(username))
    say(as_json, {"username": username}, f"{username} may write to you again.")


def blocks(as_json: Json = False) -> None:
    """List whom you have blocked.

    \b
    coterie blocks
    """
    people = ask(lambda client: client.blocks())
    say(as_json, people, table(["Username"], [(one.username,) for one in people], "Nobody."))
