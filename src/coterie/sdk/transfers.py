"""The bytes of files over a wire that breaks: each direction goes on where it was cut off."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final
from uuid import UUID

from coterie.protocol.errors import OffsetStale, Refused, Taken, Unavailable
from coterie.protocol.limits import KIB, TRANSFER_SECONDS, UPLOAD_PART_BYTES
from coterie.sdk.connection import Connection, pauses
from coterie.sdk.errors import BadAnswer, ServerUnreachable
from coterie.sdk.files import SealedFile

Progress = Callable[[int], None]
"""Told how many bytes of the ciphertext have passed; after a cut, how many have arrived."""

SLICE_BYTES: Final = 256 * KIB


class Patience:
    """Pauses between attempts, until TRANSFER_SECONDS have passed without a byte of progress."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """There was progress."""
        self._pauses = pauses()
        self._until = asyncio.get_running_loop().time() + TRANSFER_SECONDS

    async def wait(self, error: Exception) -> None:
        """Raises the error when waiting does not help, or has not helped."""
        pause = next(self._pauses)
        if not _passes(error) or asyncio.get_running_loop().time() + pause > self._until:
            raise error
        await asyncio.sleep(pause)


def _passes(error: Exception) -> bool:
    """A cut, a restart; or the server has not noticed the cut yet, and holds on to the upload."""
    if isinstance(error, Refused):
        return isinstance(error.refusal, Unavailable | OffsetStale) or error.refusal == Taken(
            "upload"
        )
    return isinstance(error, ServerUnreachable)


class _Upload:
    """How far the server is with a file. It never falls behind what it has acknowledged."""

    def __init__(self, connection: Connection, file_id: UUID, progress: Progress | None) -> None:
        self._connection = connection
        self._file_id = file_id
        self._progress = progress
        self._patience = Patience()
        self._arrived = 0

    async def send(self, piece: bytearray) -> None:
        """Return when the server has all of it, whatever is cut off meanwhile."""
        start, end = self._arrived, self._arrived + len(piece)
        is_cut = False
        while self._arrived < end:
            try:
                if is_cut:
                    offset, is_cut = await self._connection.get_offset(self._file_id), False
                else:
                    offset = await self._append(memoryview(piece)[self._arrived - start :])
            except (Refused, ServerUnreachable) as error:
                is_cut = True
                await self._patience.wait(error)
            else:
                self._advance(offset, end)

    async def _append(self, rest: memoryview) -> int:
        offset = await self._connection.append(
            self._file_id, self._arrived, len(rest), self._slices(rest)
        )
        if offset == self._arrived:  # cut off before its first byte
            raise ServerUnreachable(self._connection.server)
        return offset

    async def _slices(self, rest: memoryview) -> AsyncGenerator[bytes]:
        for start in range(0, len(rest), SLICE_BYTES):
            piece = bytes(rest[start : start + SLICE_BYTES])
            yield piece
            self._tell(self._arrived + start + len(piece))

    def _advance(self, offset: int, end: int) -> None:
        if not self._arrived <= offset <= end:
            raise BadAnswer(f"{offset} bytes of an upload, after {self._arrived} of {end}")
        if offset > self._arrived:
            self._patience.renew()
        self._arrived = offset
        self._tell(offset)

    def _tell(self, passed: int) -> None:
        if self._progress:
            self._progress(passed)


async def upload(connection: Connection, file: SealedFile, progress: Progress | None) -> None:
    """Send a reserved file (tus 1.0, core protocol).

    The ciphertext is kept until it has arrived, a piece at a time: what is sent again is the same
    bytes, though the file may have changed. Raises Refused, ServerUnreachable, BadAnswer,
    FileChanged, OSError.
    """
    transfer = _Upload(connection, file.file_id, progress)
    async for piece in _pieces(file):
        await transfer.send(piece)
        del piece  # before the next one is made


async def _pieces(file: SealedFile) -> AsyncGenerator[bytearray]:
    piece = bytearray()
    async for block in file.stream():
        if len(piece) + len(block) > UPLOAD_PART_BYTES:
            yield piece
            piece = bytearray()
        piece += block
    yield piece


async def download(connection: Connection, file_id: UUID) -> AsyncGenerator[bytes]:
    """A file's ciphertext (RFC 9110 §14). Raises Refused, ServerUnreachable, BadAnswer."""
    patience = Patience()
    arrived = 0
    while True:
        try:
            async with connection.download(file_id, arrived) as blocks:
                async for block in blocks:
                    arrived += len(block)
                    patience.renew()
                    yield block
            return
        except (Refused, ServerUnreachable) as error:
            await patience.wait(error)
