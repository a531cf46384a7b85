"""`coterie trust`"""

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say
from coterie.cli.profile import ask


def trust(username: Username, as_json: Json = False) -> None:
    """Accept that somebody's identity key has changed.

    Until then nothing is sent where they take part. Check with them first, in person or by voice:
    a changed key is a new start on their side, or somebody else.

    \b
    coterie trust @bela
    """
    ask(lambda client: client.accept_identity(username))
    say(as_json, {"username": username}, f"The new identity of {username} is accepted.")
