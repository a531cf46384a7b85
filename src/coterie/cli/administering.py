"""Work on a server's own data: what its verbs share."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from coterie.cli.failures import Failed

T = TypeVar("T")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="The server's data folder. Default: the platform's place."
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="DATABASE_URL",
        help="The server's PostgreSQL, where it is not the one inside.",
    ),
]


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Raises Failed."""
    from coterie.server.administration import reach
    from coterie.server.administration.refusals import Impossible

    try:
        return reach.carry_out(work)
    except Impossible as no:
        raise Failed(no.code, str(no)) from None


def sized(count: int) -> str:
    """Bytes, as people read them."""
    amount, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
