"""`coterie backup create`, `verify`, `restore`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coterie.cli.administering import Data, Database, carry_out, sized
from coterie.cli.arguments import Json
from coterie.cli.failures import Failed
from coterie.cli.output import say
from coterie.cli.profile import server_folder
from coterie.cli.transfers import progress_bars

if TYPE_CHECKING:
    from coterie.server.administration.backup import Report

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
NewData = Annotated[
    Path, typer.Option("--data", metavar="NEWDIR", help="A folder that is empty, or not there yet.")
]
NewDatabase = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="URL", help="An empty PostgreSQL, in place of the one inside."
    ),
]

NewBlobs = Annotated[
    str | None,
    typer.Option(
        "--blobs",
        metavar="s3://BUCKET/PREFIX",
        help="A bucket for the files, with none in it yet; its keys are in the environment.",
    ),
]


def create(file: File, data: Data = None, database: Database = None, as_json: Json = False) -> None:
    """Copy everything a server keeps into one file, while it runs or not.

    The file holds ciphertext, what the server knows, and the server's key: guard it. An existing
    file is never overwritten. Files whose bytes the server has lost are named; the rest is copied.

    \b
    coterie backup create coterie-monday.tar --data /srv/coterie
    """
    from coterie.server.administration import backup

    with progress_bars() as progress:
        report = carry_out(backup.create(file, data or server_folder(), database, progress))
    if report.missing:
        raise Failed(
            "files_missing",
            f"{file} was written, but the server has lost the bytes of {len(report.missing)} files"
            f" that its database names; the first is {report.missing[0]}. See: coterie doctor",
        )
    say(as_json, report, f"{file}: {_contents(report)}.")


def verify(file: File, as_json: Json = False) -> None:
    """Check that a backup is whole: its checksums, its database, a copy of every file.

    \b
    coterie backup verify coterie-monday.tar
    """
    from coterie.server.administration import backup

    with progress_bars() as progress:
        report = carry_out(backup.verify(file, progress))
    say(as_json, report, f"{file} is whole: {_contents(report)}.")


def restore(
    file: File,
    data: NewData,
    database: NewDatabase = None,
    blobs: NewBlobs = None,
    as_json: Json = False,
) -> None:
    """Make a server anew from a backup, in a folder that holds nothing yet.

    What was written after the backup is not there. Who has seen it keeps it, is told so, and
    sends nothing there. Do not serve the old folder and the new one at once. Files go into the
    folder, wherever they were, or with --blobs into a bucket: so they move, too.

    \b
    coterie backup restore coterie-monday.tar --data /srv/coterie-new
    """
    from coterie.server.administration import restore

    with progress_bars() as progress:
        report = carry_out(restore.restore(file, data, database, blobs, progress))
    say(as_json, report, f"Restored {_contents(report)}. Serve it: coterie serve --data {data}")


def _contents(report: "Report") -> str:
    made = report.created_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"made {made}, {report.files} files, {sized(report.size_bytes)}"


VERBS: dict[str, Any] = {"create": create, "verify": verify, "restore": restore}
