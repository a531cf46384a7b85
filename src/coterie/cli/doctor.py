"""`coterie doctor`"""

from typing import Annotated, Final

import typer

from coterie.cli.administering import Data, Database, carry_out
from coterie.cli.arguments import Json
from coterie.cli.output import say
from coterie.cli.profile import server_folder

PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="The https address people reach it by."),
]

_SIGNS: Final = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


def doctor(
    data: Data = None,
    database: Database = None,
    public_url: PublicUrl = None,
    as_json: Json = False,
) -> None:
    """Look for what is wrong with a server, or soon will be. Nothing is changed.

    Each line is ok, WARN or FAIL, and says what to do. Exit code 1 when one of them is FAIL.

    \b
    coterie doctor --data /srv/coterie --public-url https://chat.example.org
    """
    from coterie.server.administration.doctor import Verdict, examine

    findings = carry_out(examine(data or server_folder(), database, public_url))
    lines = [f"{_SIGNS[one.verdict]}  {one.about:<11} {one.detail}" for one in findings]
    say(as_json, findings, "\n".join(lines))
    if any(one.verdict is Verdict.FAIL for one in findings):
        raise typer.Exit(1)
