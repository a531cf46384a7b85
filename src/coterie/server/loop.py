"""uvloop, and what it lacks: files that go from the disk to the socket by the kernel alone."""

import asyncio
import os
from asyncio import Future
from contextlib import suppress
from typing import IO, Any, Final, cast

import uvloop

from coterie.protocol import limits
from coterie.server.storage.shelves import in_thread

PIECE_BYTES: Final = 4 * limits.MIB


class Loop(uvloop.Loop):
    """aiohttp asks its loop to send a file, and where it can not, copies each piece itself."""

    async def sendfile(
        self,
        transport: asyncio.BaseTransport,
        file: IO[bytes],
        offset: int = 0,
        count: int | None = None,
        *,
        fallback: bool | None = None,
    ) -> int:
        """Send `count` bytes, or all, behind what was written already: sendfile(2).

        Raises ConnectionResetError when the other side is gone or takes nothing for
        `DOWNLOAD_IDLE_SECONDS`.
        """
        sent, left = 0, os.fstat(file.fileno()).st_size - offset if count is None else count
        socket = os.dup(transport.get_extra_info("socket").fileno())  # it stays ours till the end
        try:
            while cast("asyncio.WriteTransport", transport).get_write_buffer_size():
                await self._writable(socket)
            while sent < left:
                if transport.is_closing():
                    raise ConnectionResetError
                sent += await self._send(socket, file.fileno(), offset + sent, left - sent)
        finally:
            os.close(socket)
        return sent

    async def _send(self, socket: int, file: int, offset: int, left: int) -> int:
        try:  # in a thread, for it may have to wait for the disk
            sent = await in_thread(os.sendfile, socket, file, offset, min(left, PIECE_BYTES))
        except BlockingIOError:
            await self._writable(socket)
            return 0
        if not sent:
            raise ConnectionResetError  # the file is shorter than it was
        return sent

    async def _writable(self, socket: int) -> None:
        writable = self.create_future()
        self.add_writer(socket, _wake, writable)
        try:
            async with asyncio.timeout(limits.DOWNLOAD_IDLE_SECONDS):
                await writable
        except TimeoutError:
            raise ConnectionResetError from None
        finally:
            self.remove_writer(socket)


def _wake(writable: "Future[Any]") -> None:
    with suppress(asyncio.InvalidStateError):
        writable.set_result(None)
