"""`coterie transfer`"""

from coterie.cli.arguments import Group, Json, Username
from coterie.cli.output import say
from coterie.cli.profile import ask


def transfer(group: Group, username: Username, as_json: Json = False) -> None:
    """Hand your group to somebody else.

    They become its owner, you an admin of it.

    \b
    coterie transfer club bela
    """
    ask(lambda client: client.transfer(group, username))
    say(as_json, {"username": username, "role": "owner"}, f"{group} belongs to {username} now.")
