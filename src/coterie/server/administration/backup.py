"""Making, checking and restoring a backup: the database, the files and the server's secrets.

The database is copied as one snapshot saw it, and the files after it: what it names was there then.
A file that somebody deletes meanwhile is dropped from the copy as well.
"""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from coterie import __version__
from coterie.server.administration.archive import (
    DATABASE,
    FILES,
    FORMAT,
    SECRETS,
    Manifest,
    Reader,
    Writer,
)
from coterie.server.administration.dumps import Uploaded, dump, write
from coterie.server.administration.reach import reached
from coterie.server.administration.refusals import Impossible
from coterie.server.storage.claims import shelf_of
from coterie.server.storage.database import Tx, transaction_on
from coterie.server.storage.files import count_uploads, list_known, pages_of_uploads
from coterie.server.storage.folders import sync_folder
from coterie.server.storage.libpq import environment_of
from coterie.server.storage.shelves import Shelf
from coterie.server.storage.snapshots import Snapshot, export_snapshot
from coterie.server.storage.views import Upload

Progress = Callable[[str, int, int], None]
"""Told what is being copied, how many bytes went through, and about how many there are."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `missing`: files the server had lost already."""

    created_at: datetime
    version: str
    schema_version: int
    files: int
    size_bytes: int
    missing: tuple[str, ...]


class _Files(NamedTuple):
    """Where the files are copied from, what became of those that are not there."""

    shelf: Shelf
    dropped: list[str]
    missing: list[str]


async def create(
    path: Path, data: Path, database: str | None = None, progress: Progress | None = None
) -> Report:
    """Back up the server of `data`, running or not. Raises Impossible, PostgresUnavailable,
    DatabaseUnavailable, BucketRefused, OSError."""
    files = _Files(shelf_of(data), [], [])
    with _new_file(path) as out:
        async with reached(data, database) as url, transaction_on(url, frozen=True) as tx:
            snapshot = await _snapshot(tx)
            writer = Writer(out)
            await _copy_database(writer, url, snapshot, progress)
            await _copy_files(writer, url, tx, files, progress)
        _copy_secrets(writer, data)
        manifest = _manifest(writer, snapshot, files)
        writer.finish(manifest)
    return report(path, manifest)


async def verify(path: Path, progress: Progress | None = None) -> Report:
    """Read a backup to its end. Raises BackupDamaged, Impossible, PostgresUnavailable, OSError."""
    manifest, lost = await examine(path, progress)
    if lost:
        raise Impossible(
            "files_missing",
            f"The backup lacks the bytes of {len(lost)} files that its database names; the first"
            f" is {lost[0]}. Everything else in it is whole.",
        )
    return report(path, manifest)


async def examine(path: Path, progress: Progress | None) -> tuple[Manifest, Sequence[str]]:
    """What a whole backup holds, and which files its database names in vain.

    Raises BackupDamaged, Impossible, PostgresUnavailable, OSError.
    """
    uploaded, copied = Uploaded(), dict[str, int]()
    reader = reading(path, progress, "verify")
    async with uploaded.reading() as rows:
        for member in reader.members():
            if member.name.startswith(DATABASE):
                for block in member.blocks():
                    await write(rows, block)
            elif member.name.startswith(FILES):
                copied[member.name.removeprefix(FILES)] = member.size
    manifest = reader.whole()
    dropped = frozenset(manifest.dropped)
    lost = [
        name
        for name, size in uploaded.sizes.items()
        if name not in dropped and copied.get(name) != size
    ]
    return manifest, lost


async def _snapshot(tx: Tx) -> Snapshot:
    try:
        return await export_snapshot(tx)
    except LookupError:
        raise Impossible("not_coterie", "The database is not one of Coterie's.") from None


async def _copy_database(
    writer: Writer, url: str, snapshot: Snapshot, progress: Progress | None
) -> None:
    passed = passing(progress, "database", snapshot.size_bytes)
    async with aclosing(dump(environment_of(url), snapshot.name)) as parts:
        number = 0
        async for part in parts:
            writer.add_bytes(f"{DATABASE}{number:06}", part)
            number += 1
            if passed:
                passed(len(part))


async def _copy_files(
    writer: Writer, url: str, tx: Tx, files: _Files, progress: Progress | None
) -> None:
    passed = passing(progress, "files", (await count_uploads(tx)).size_bytes)
    async for page in pages_of_uploads(tx):
        absent = [
            upload for upload in page if not await _copy_file(writer, files.shelf, upload, passed)
        ]
        if absent:
            async with transaction_on(url) as now:
                known = await list_known(now, [upload.id for upload in absent])
            for upload in absent:
                (files.missing if upload.id in known else files.dropped).append(upload.storage_path)


async def _copy_file(
    writer: Writer, shelf: Shelf, upload: Upload, passed: Callable[[int], None] | None
) -> bool:
    """False when its bytes are not there, all of them. Raises Refused where nobody knows."""
    if await shelf.size_of(upload.storage_path) != upload.size_bytes:
        return False
    try:
        with shelf.open(upload.storage_path) as file:
            writer.add(FILES + upload.storage_path, file, upload.size_bytes, passed)
    except FileNotFoundError:
        return False
    return True


def _copy_secrets(writer: Writer, data: Path) -> None:
    for name in SECRETS:
        with suppress(FileNotFoundError):
            writer.add_bytes(name, (data / name).read_bytes())


def _manifest(writer: Writer, snapshot: Snapshot, files: _Files) -> Manifest:
    return Manifest(
        format=FORMAT,
        created_at=datetime.now(UTC),
        version=__version__,
        schema_version=snapshot.schema_version,
        dropped=tuple(files.dropped),
        missing=tuple(files.missing),
        checksums=dict(writer.checksums),
    )


def report(path: Path, manifest: Manifest) -> Report:
    return Report(
        created_at=manifest.created_at,
        version=manifest.version,
        schema_version=manifest.schema_version,
        files=sum(name.startswith(FILES) for name in manifest.checksums),
        size_bytes=path.stat().st_size,
        missing=manifest.missing,
    )


def reading(path: Path, progress: Progress | None, what: str) -> Reader:
    """Raises FileNotFoundError."""
    return Reader(path, passing(progress, what, path.stat().st_size))


def passing(progress: Progress | None, name: str, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    done = 0

    def passed(size: int) -> None:
        nonlocal done
        done += size
        progress(name, done, max(total, done))

    return passed


@contextmanager
def _new_file(path: Path) -> Generator[IO[bytes]]:
    """A file for its owner alone, which gets its name when it is whole and durable.

    Raises Impossible when there is one of this name.
    """
    if path.exists():
        raise Impossible("file_exists", f"{path} exists already. Choose another name.")
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(path)
        sync_folder(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
