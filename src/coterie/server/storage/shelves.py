"""Where whole files are kept, by name: in a folder of this machine, or wherever else a shelf is."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple, ParamSpec, Protocol, TypeVar

from coterie.server.storage.folders import sync_folder

NAME: Final = re.compile(r"[0-9a-f]{32}")
"""Of a whole file. What is called otherwise is none of ours."""

P = ParamSpec("P")
T = TypeVar("T")

Read = Callable[[range], AsyncGenerator[memoryview]]
"""A span of a file's bytes, in pieces. Raises Refused: NotFound, or Unavailable for now."""


class Kept(NamedTuple):
    """A whole file. `changed_at` is in seconds since 1970."""

    name: str
    size_bytes: int
    changed_at: float


class Shelf(Protocol):
    """What is elsewhere may be out of reach: then all but `source` raise Refused(Unavailable)."""

    def source(self, name: str) -> Path | Read:
        """Where a file is on this disk, or how else it is read."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """A file to be read by who may block. Raises FileNotFoundError."""
        ...

    async def publish(self, part: Path, name: str) -> None:
        """Take what lies at `part`, whole and durable, under this name. Twice is once."""
        ...

    async def size_of(self, name: str) -> int | None:
        """How many bytes a file has; None without it."""
        ...

    async def remove(self, names: Sequence[str]) -> None:
        """Those that are there."""
        ...

    def pages(self) -> AsyncIterator[list[Kept]]:
        """Everything that is kept, in no order."""
        ...


class Folder:
    """A folder of this machine, in which files also arrive."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def source(self, name: str) -> Path:
        return self._path / name

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")

    async def publish(self, part: Path, name: str) -> None:
        await in_thread(_rename, part, self._path / name)

    async def size_of(self, name: str) -> int | None:
        return await in_thread(size_on_disk, self._path / name)

    async def remove(self, names: Sequence[str]) -> None:
        await in_thread(unlink, [self._path / name for name in names])

    async def pages(self) -> AsyncIterator[list[Kept]]:
        yield await in_thread(_scan, self._path)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Work on the disk, to its end even when cancelled: nobody closes a file under a writer."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def size_on_disk(path: Path) -> int | None:
    """None where nothing is."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _rename(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except FileNotFoundError:
        if not path.exists():
            raise
    sync_folder(path.parent)


def unlink(paths: Sequence[Path]) -> None:
    """Those that are there."""
    for path in paths:
        path.unlink(missing_ok=True)


def _scan(folder: Path) -> list[Kept]:
    if not folder.exists():
        return []
    with os.scandir(folder) as found:
        return [kept for file in found if NAME.fullmatch(file.name) for kept in _look_at(file)]


def _look_at(file: os.DirEntry[str]) -> list[Kept]:
    try:
        found = file.stat()
    except FileNotFoundError:  # removed meanwhile
        return []
    return [Kept(file.name, found.st_size, found.st_mtime)]
