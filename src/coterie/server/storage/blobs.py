"""The bytes of files, as they were encrypted: one file each, in one folder of the disk.

What is acknowledged survives a loss of power: the bytes are synced before they get their name, and
the folder after it. A name without a row in `files`, or the other way round, can only be what a
crash left behind.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

import structlog

from coterie.protocol import limits
from coterie.protocol.errors import Malformed, NotFound, Refused, Taken
from coterie.server.storage.outbox import Announcement, BlobsDropped

WRITE_BYTES: Final = 1 * limits.MIB
PARTIAL: Final = ".part"
_NAME: Final = re.compile(r"[0-9a-f]{32}")

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


def name_of(file_id: UUID) -> str:
    """The storage path of a file: it tells nothing but the id."""
    return file_id.hex


class Partial:
    """A file on its way. Its methods block: they run in threads, one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def open(self) -> None:
        self._path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)

    def write(self, data: bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def publish(self, path: Path) -> None:
        """The bytes first, then the name: a name never stands for bytes that may be lost."""
        os.fdatasync(self._file)
        self._path.replace(path)
        _sync(path.parent)

    def close(self) -> None:
        """Leave nothing behind, unless it was published."""
        if self._file >= 0:
            os.close(self._file)
            self._path.unlink(missing_ok=True)


class Upload(NamedTuple):
    """One that is running: `end` cuts it short, `over` is set when it is."""

    end: asyncio.Timeout
    over: asyncio.Event


class Blobs:
    """The files below `folder`, by the names that `files.storage_path` gives them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads: dict[str, Upload] = {}
        self._removals: set[asyncio.Task[None]] = set()

    def prepare(self) -> None:
        """Make the folder, for us alone, and clear away uploads that a crash cut off."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(self._folder.parent)
        for leftover in self._folder.glob(f"*{PARTIAL}"):
            leftover.unlink()

    def path(self, name: str) -> Path:
        """Where the bytes are. Raises ValueError for what `name_of` never gave."""
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of a blob")
        return self._folder / name

    @asynccontextmanager
    async def uploading(self, name: str) -> AsyncGenerator[None]:
        """The one upload of a file; it goes no further once the file is dropped.

        Raises Refused(Taken) beside another, and Refused(NotFound) when it was cut short.
        """
        if name in self._uploads:
            raise Refused(Taken("upload"))
        upload = self._uploads[name] = Upload(asyncio.timeout(None), asyncio.Event())
        try:
            async with upload.end:
                yield
        except TimeoutError:
            if upload.end.expired():
                raise Refused(NotFound("file")) from None
            raise
        finally:
            del self._uploads[name]
            upload.over.set()

    async def store(self, name: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """Keep exactly `size` bytes under `name`; they are durable when this returns.

        Raises Refused(Malformed) when there are more or fewer. Of what failed nothing is kept.
        """
        path = self.path(name)
        partial = Partial(path.with_name(name + PARTIAL))
        try:
            await _in_thread(partial.open)
            await _fill(partial, size, chunks)
            await _in_thread(partial.publish, path)
        finally:
            await _in_thread(partial.close)

    async def drop(self, names: Sequence[str]) -> None:
        """Remove the bytes of files that have gone; what is still arriving of them is stopped.

        Nobody's quota counts it any more.
        """
        uploads = [self._uploads[name] for name in names if name in self._uploads]
        for upload in uploads:
            if not upload.end.expired():
                upload.end.reschedule(0)
        for upload in uploads:
            await upload.over.wait()
        await self.remove(names)

    async def remove(self, names: Sequence[str]) -> None:
        await _in_thread(_remove, [self.path(name) for name in names])

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Begin to remove what the transaction that has just ended dropped."""
        names = [
            name
            for announcement in announcements
            if isinstance(announcement, BlobsDropped)
            for name in announcement.storage_paths
        ]
        if names:
            removal = asyncio.create_task(self.drop(names))
            self._removals.add(removal)
            removal.add_done_callback(self._removed)

    async def close(self) -> None:
        """Let the removals end that have begun."""
        await asyncio.gather(*self._removals, return_exceptions=True)

    async def list_old(self, seconds: float) -> list[UUID]:
        """The files whose bytes have been here for so long."""
        return await _in_thread(_list_old, self._folder, seconds)

    def _removed(self, removal: asyncio.Task[None]) -> None:
        self._removals.discard(removal)
        if not removal.cancelled() and (error := removal.exception()):
            log.error("blobs.not_removed", error=type(error).__name__)


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Work on the disk, to its end even when cancelled: nobody closes a file under a writer."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _fill(partial: Partial, size: int, chunks: AsyncIterator[bytes]) -> None:
    """Few large writes; no more is held in memory than the next one."""
    missing = size
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) > missing:
            raise Refused(Malformed("the file is longer than announced"))
        if len(waiting) >= WRITE_BYTES:
            missing -= len(waiting)
            await _in_thread(partial.write, waiting)
            waiting = bytearray()
    if len(waiting) < missing:
        raise Refused(Malformed("the file is shorter than announced"))
    await _in_thread(partial.write, waiting)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _list_old(folder: Path, seconds: float) -> list[UUID]:
    limit = time.time() - seconds
    with os.scandir(folder) as found:
        return [
            UUID(file.name)
            for file in found
            if _NAME.fullmatch(file.name) and file.stat().st_mtime < limit
        ]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
