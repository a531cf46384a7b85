"""`coterie trust`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say
from coterie.cli.profile import ask

Keep = Annotated[
    bool, typer.Option("--keep", help="It is not theirs: go on with the identity known before.")
]


def trust(username: Username, keep: Keep = False, as_json: Json = False) -> None:
    """Accept that somebody's identity key has changed.

    Until then nothing is sent where they take part, what the other identity writes is marked, and
    a conversation it opens is kept aside. Check with them first, in person or by voice: a changed
    key is a new start on their side, or somebody else. Afterwards the name means the identity you
    chose; what any other wrote keeps its mark.

    \b
    coterie trust @bela
    coterie trust @bela --keep
    """
    if keep:
        ask(lambda client: client.keep_identity(username))
        say(as_json, {"username": username}, f"{username} is who they were before.")
    else:
        ask(lambda client: client.accept_identity(username))
        say(as_json, {"username": username}, f"The new identity of {username} is accepted.")
