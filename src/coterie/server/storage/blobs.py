"""The bytes of files, as they were encrypted: they arrive in a folder, and are kept on a shelf.

What has not arrived whole lies in a part of its own. What is acknowledged survives a loss of power:
the bytes are synced before their number is told or they get their name, and the folder after it. A
name or a part without a row in `files` can only be what a crash left behind.
"""

import asyncio
import errno
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec, Self
from uuid import UUID

import structlog

from coterie.protocol import limits
from coterie.protocol.errors import Malformed, NotFound, Refused, Taken, Unavailable
from coterie.server.storage.folders import sync_folder
from coterie.server.storage.outbox import Announcement, BlobsDropped
from coterie.server.storage.shelves import (
    NAME,
    Folder,
    Read,
    Shelf,
    in_thread,
    size_on_disk,
    unlink,
)

WRITE_BYTES: Final = 2 * limits.MIB
SYNC_BYTES: Final = 16 * limits.MIB
"""So much is written before the disk is told to take it: at the end there is little left to wait
for, and no commit has to wait for a whole file."""
CHUNKS: Final = os.sysconf("SC_IOV_MAX")
"""In one call of writev(2)."""
PARTIAL: Final = ".part"

P = ParamSpec("P")

log = structlog.get_logger()


def name_of(file_id: UUID) -> str:
    """The storage path of a file: it tells nothing but the id."""
    return file_id.hex


class Part:
    """A file on its way. Its methods block: they run in threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def open(self, length: int) -> None:
        """Go on after `length` bytes; what a crash left behind them is never believed."""
        new = 0 if length else os.O_CREAT
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | new, 0o600)
        os.ftruncate(self._file, length)

    def write(self, chunks: Sequence[bytes]) -> None:
        views = deque(map(memoryview, chunks))
        while views:
            written = os.writev(self._file, [*islice(views, CHUNKS)])
            while views and written >= len(views[0]):
                written -= len(views.popleft())
            if written:
                views[0] = views[0][written:]

    def sync_bytes(self) -> None:
        os.fdatasync(self._file)

    def sync(self) -> None:
        """The bytes, and that they are in the folder."""
        self.sync_bytes()
        sync_folder(self._path.parent)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)


class Upload(NamedTuple):
    """One that is running: `end` cuts it short, `over` is set when it is."""

    end: asyncio.Timeout
    over: asyncio.Event


class Blobs:
    """The files of a server, by the names that `files.storage_path` gives them.

    They arrive in `folder`, and stay there where no other shelf is given.
    """

    def __init__(self, folder: Path, shelf: Shelf | None = None) -> None:
        self._folder = folder
        self._shelf: Shelf = shelf or Folder(folder)
        self._uploads: dict[str, Upload] = {}
        self._removals: set[asyncio.Task[None]] = set()

    def prepare(self) -> None:
        """Make the folder, for us alone."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self._folder.parent)

    def source(self, name: str) -> Path | Read:
        """Where the bytes are, or how they are read. Raises ValueError for what is no name."""
        return self._shelf.source(_checked(name))

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

    async def kept(self, name: str, received: int, size: int) -> int:
        """How many of the `received` bytes recorded for a file of `size` are here: all or none.

        Fewer than were recorded are not what was recorded: a backup, perhaps.
        """
        arrived = await in_thread(size_on_disk, self._part(name))
        if arrived is not None and arrived >= received:
            return received
        if received == size and await self._shelf.size_of(name) == size:
            return size  # published before a crash, or before the database could be told
        return 0

    async def append(self, name: str, length: int, size: int, chunks: AsyncIterator[bytes]) -> int:
        """Write what arrives behind the first `length` bytes; how many they are then, durably.

        Raises Refused(Malformed) for more than `size`: none of them is on the disk, nor counts.
        Raises Refused(Unavailable) where the disk takes no more.
        """
        part = Part(self._part(name))
        try:
            await in_thread(part.open, length)
            arrived = await _fill(part, size - length, chunks)
            await in_thread(part.sync)
        except OSError as error:
            log.error("blobs.not_written", error=errno.errorcode.get(error.errno or 0))
            raise Refused(Unavailable()) from None
        finally:
            await in_thread(part.close)
        return length + arrived

    async def publish(self, name: str) -> None:
        """Put a part that is whole, and durable, on the shelf. Twice is once."""
        await self._shelf.publish(self._part(name), name)

    async def abandon(self, name: str) -> None:
        """Remove what has arrived of a file that is not whole."""
        await in_thread(unlink, [self._part(name)])

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
        """The bytes of these files, whole or in part."""
        await in_thread(unlink, [self._part(name) for name in names])
        await self._shelf.remove(names)

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
        limit = time.time() - seconds
        old = set(await in_thread(_list_old_parts, self._folder, limit))
        async for page in self._shelf.pages():
            old |= {kept.name for kept in page if kept.changed_at < limit}
        return [UUID(name) for name in old]

    def _part(self, name: str) -> Path:
        return self._folder / (_checked(name) + PARTIAL)

    def _removed(self, removal: asyncio.Task[None]) -> None:
        self._removals.discard(removal)
        if not removal.cancelled() and (error := removal.exception()):
            log.error("blobs.not_removed", error=type(error).__name__)


class Beside:
    """Work on the disk while more arrives: one thing at a time, ended when this is left."""

    def __init__(self) -> None:
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def begin(self, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Once the last is done. Raises what that has raised."""
        await self._end()
        self._work = asyncio.create_task(in_thread(function, *args, **kwargs))

    async def _end(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            await work


async def _fill(part: Part, room: int, chunks: AsyncIterator[bytes]) -> int:
    """Few large writes; no more is held in memory than one that is on its way and the next."""
    arrived = written = synced = 0
    waiting = list[bytes]()
    async with Beside() as syncing, Beside() as writing:
        async for chunk in chunks:
            waiting.append(chunk)
            arrived += len(chunk)
            if arrived > room:
                raise Refused(Malformed("the file is longer than announced"))
            if arrived - written >= WRITE_BYTES:
                await writing.begin(part.write, waiting)
                waiting, written = [], arrived
            if written - synced >= SYNC_BYTES:
                await syncing.begin(part.sync_bytes)
                synced = written
        await writing.begin(part.write, waiting)
    return arrived


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("not the name of a blob")
    return name


def _list_old_parts(folder: Path, limit: float) -> list[str]:
    with os.scandir(folder) as found:
        return [
            name
            for file in found
            if (name := file.name.removesuffix(PARTIAL)) != file.name
            and NAME.fullmatch(name)
            and _is_older(file, limit)
        ]


def _is_older(file: os.DirEntry[str], limit: float) -> bool:
    try:
        return file.stat().st_mtime < limit
    except FileNotFoundError:  # named, or removed, meanwhile
        return False
