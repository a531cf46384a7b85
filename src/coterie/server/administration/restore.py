"""Putting a backup back, into a folder that holds nothing yet."""

import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from coterie.server.administration.archive import DATABASE, FILES, Manifest, Member, Reader
from coterie.server.administration.backup import Progress, Report, examine, reading, report
from coterie.server.administration.dumps import restoring, write
from coterie.server.administration.refusals import Impossible
from coterie.server.postgres import Postgres
from coterie.server.storage.blobs import PARTIAL
from coterie.server.storage.claims import claim_bucket
from coterie.server.storage.database import transaction_on
from coterie.server.storage.files import remove_files
from coterie.server.storage.folders import FILES as BLOBS
from coterie.server.storage.folders import UNFINISHED, sync_folder
from coterie.server.storage.libpq import environment_of
from coterie.server.storage.migrations import newest_version
from coterie.server.storage.shelves import Folder, Shelf
from coterie.server.storage.snapshots import is_empty, settle_copy


async def restore(
    path: Path,
    data: Path,
    database: str | None = None,
    blobs: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Make the server of a backup anew in `data`; its database in `database`, else inside; its
    files in the bucket `blobs`, else inside.

    The backup is examined before anything is written, and of what fails no file is left. Raises
    BackupDamaged, Impossible, PostgresUnavailable, DatabaseUnavailable, BucketRefused, OSError.
    """
    _require_nothing(data)
    manifest, _ = await examine(path, progress)
    _require_known(manifest)
    with _new_folder(data) as folder:
        async with _new_shelf(folder, blobs) as shelf, _new_database(folder, database) as url:
            await _fill(folder, shelf, url, reading(path, progress, "restore"))
            async with transaction_on(url) as tx:
                await remove_files(tx, manifest.dropped)
                await settle_copy(tx)
    return report(path, manifest)


async def _fill(folder: Path, shelf: Shelf, url: str, reader: Reader) -> None:
    blobs = folder / BLOBS
    blobs.mkdir(mode=0o700)
    async with restoring(environment_of(url)) as rows:
        for member in reader.members():
            if member.name.startswith(DATABASE):
                for block in member.blocks():
                    await write(rows, block)
            elif member.name.startswith(FILES):
                name = member.name.removeprefix(FILES)
                _write(blobs / (name + PARTIAL), member)
                await shelf.publish(blobs / (name + PARTIAL), name)
            else:
                _write(folder / member.name, member)


def _write(path: Path, member: Member) -> None:
    """For its owner alone, and durable."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for block in member.blocks():
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


@asynccontextmanager
async def _new_shelf(folder: Path, blobs: str | None) -> AsyncGenerator[Shelf]:
    """A place for files that holds none, and again none where it fails. Raises BucketRefused."""
    if blobs is None:
        yield Folder(folder / BLOBS)
        return
    bucket = await claim_bucket(folder, blobs)
    try:
        yield bucket
    except BaseException:
        await bucket.clear()
        raise


@asynccontextmanager
async def _new_database(folder: Path, database: str | None) -> AsyncGenerator[str]:
    """The URL of one that holds nothing. Raises Impossible, PostgresUnavailable,
    DatabaseUnavailable."""
    if database is not None:
        async with transaction_on(database, frozen=True) as tx:
            if not await is_empty(tx):
                raise Impossible(
                    "not_empty", "The database holds tables already. Restore into an empty one."
                )
        yield database
        return
    postgres = Postgres(folder)
    await postgres.start()
    try:
        yield postgres.url
    finally:
        await postgres.stop()


@contextmanager
def _new_folder(folder: Path) -> Generator[Path]:
    """A folder that is served only when it is whole. Where it fails it is empty again."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = folder / UNFINISHED
    mark.touch(mode=0o600)
    sync_folder(folder)
    try:
        yield folder
        sync_folder(folder)
        mark.unlink()
        sync_folder(folder)
    except BaseException:
        _clear(folder)
        raise


def _clear(folder: Path) -> None:
    """The mark goes last: what is cut off here is not served either."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == UNFINISHED):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _require_nothing(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Impossible(
            "not_empty",
            f"{folder} is not an empty folder. Nothing in it was touched: choose"
            " another one with --data.",
        )


def _require_known(manifest: Manifest) -> None:
    if manifest.schema_version > newest_version():
        raise Impossible(
            "backup_too_new",
            f"The backup's database has schema version {manifest.schema_version}, made by a newer"
            " Coterie. Restore it with that one.",
        )
