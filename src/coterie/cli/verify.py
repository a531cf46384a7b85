"""`coterie verify`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say
from coterie.cli.profile import ask

Code = Annotated[
    str | None,
    typer.Option("--code", metavar="DIGITS", help="The safety number, as they read it to you."),
]


def verify(username: Username, code: Code = None, as_json: Json = False) -> None:
    """Show the safety number you share with somebody, and remember that you compared it.

    They see the same 60 digits, as long as nobody stands between you. Compare them in person or by
    voice, and pass on what they read.

    \b
    coterie verify @bela
    coterie verify @bela --code "12345 67890 …"
    """
    if code is not None:
        ask(lambda client: client.verify_identity(username, code))
    shown = ask(lambda client: client.safety_number(username))
    state = "verified" if shown.verified else "not compared yet"
    say(as_json, shown, f"{username}, {state}:\n{rows(shown.number)}")


def rows(number: str) -> str:
    """Four groups to a line, as one reads aloud."""
    groups = number.split()
    return "\n".join(" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4))
