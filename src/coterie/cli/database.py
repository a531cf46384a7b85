"""`coterie database url`"""

from pathlib import Path
from typing import Annotated, Any

import typer

from coterie.cli.arguments import Json
from coterie.cli.failures import Failed
from coterie.cli.output import say
from coterie.cli.profile import server_folder

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The data folder of a running server. Default: the platform's place.",
    ),
]


def url(data: Data = None, as_json: Json = False) -> None:
    """Print the address of the PostgreSQL that a running server keeps.

    \b
    psql "$(coterie database url --data ./coterie-data)"
    """
    from coterie.server.postgres import PostgresUnavailable, find_url

    try:
        found = find_url(data or server_folder())
    except PostgresUnavailable as error:
        raise Failed("postgres_unavailable", str(error)) from None
    say(as_json, {"url": found}, found)


VERBS: dict[str, Any] = {"url": url}
