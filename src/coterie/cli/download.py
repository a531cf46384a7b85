"""`coterie download`"""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.output import say
from coterie.cli.profile import ask
from coterie.cli.transfers import progress_bars

FileId = Annotated[UUID, typer.Argument(metavar="FILE_ID", help="As read shows it.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="A folder, or the file to write (and replace). Default: here, under its own name.",
    ),
]


def download(target: Target, file_id: FileId, out: Out = None, as_json: Json = False) -> None:
    """Fetch a file and decrypt it.

    A damaged one is refused and leaves nothing behind.

    \b
    coterie download club 7d4c0d2e-… --out plan.pdf
    """
    with progress_bars() as progress:
        path = ask(lambda client: client.download(target, file_id, out, progress))
    document = {"path": str(path), "size_bytes": path.stat().st_size}
    say(as_json, document, f"Saved as {path}")
