"""`coterie trust`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say
from coterie.cli.profile import ask
from coterie.cli.verify import Code, rows

Keep = Annotated[
    bool, typer.Option("--keep", help="It is not theirs: go on with the identity known before.")
]


def trust(username: Username, code: Code = None, keep: Keep = False, as_json: Json = False) -> None:
    """Settle what a changed identity key of somebody means.

    Until then nothing is sent where they take part, what the other identity writes is marked, and
    a conversation it opens is kept aside. A changed key is a new start on their side, or somebody
    else. Shows the new identity's safety number: have them read theirs (coterie verify) in person
    or by voice, and pass it on as --code. What is accepted is the identity of that number, and no
    other. Afterwards the name means the identity you chose; what any other wrote keeps its mark.

    \b
    coterie trust @bela
    coterie trust @bela --code "12345 67890 …"
    coterie trust @bela --keep
    """
    if keep and code is not None:
        raise typer.BadParameter("--keep goes on with the identity known before: leave --code out.")
    if keep:
        ask(lambda client: client.keep_identity(username))
        say(as_json, {"username": username}, f"{username} is who they were before.")
    elif code is None:
        shown = ask(lambda client: client.changed_identity(username))
        says = f"{username} has a new identity, or somebody else has the name. Its safety number:"
        say(as_json, shown, f"{says}\n{rows(shown.number)}")
    else:
        ask(lambda client: client.accept_identity(username, code))
        say(as_json, {"username": username}, f"The new identity of {username} is accepted.")
