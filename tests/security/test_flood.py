"""Promise: whoever has no session costs the server little memory, and not for long."""

import asyncio
import re
import struct
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from coterie.protocol import limits
from coterie.protocol.limits import KIB, MIB
from tests.support.server import Server

IDLE = 400
IDLE_BYTES = 64 * KIB
"""What one silent socket may take; measured are about 20 KiB."""
FRAME = 16 * MIB

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Memory:
    """What the server process takes, without its PostgreSQL, in bytes beyond its beginning."""

    def __init__(self, server: Server) -> None:
        self._process = Path(f"/proc/{server.pid}")
        (self._process / "clear_refs").write_text("5")  # the peak begins at what it is now
        self._before = self._read("VmRSS")

    @property
    def now(self) -> int:
        return self._read("VmRSS") - self._before

    @property
    def most(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        status = (self._process / "status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.M)
        assert found is not None
        return int(found[1]) * KIB


@asynccontextmanager
async def raw_socket(
    server: Server,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket after its handshake, with nothing in the way."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_frame_of_sixteen_mebibytes_is_not_kept(server: Server) -> None:
    """Eight at once, each all but its last byte: so none of them is ever a whole frame."""
    memory = Memory(server)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(raw_socket(server)) for _ in range(8)]
        for _, writer in sockets:
            writer.write(struct.pack(">BBQI", 0x82, 0xFF, FRAME, 0) + bytes(FRAME - 1))
        async with asyncio.timeout(2 * limits.SOCKET_HELLO_SECONDS):
            for reader, _ in sockets:
                with suppress(ConnectionError):  # the server closes before it has read it all
                    await reader.read()
    assert memory.most < FRAME


@pytest.mark.alone
async def test_silent_sockets_are_closed_and_cost_little(server: Server) -> None:
    memory = Memory(server)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        url = f"{server.url}/api/v1/events"
        sockets = await asyncio.gather(*(http.ws_connect(url) for _ in range(IDLE)))
        assert memory.now < IDLE * IDLE_BYTES
        async with asyncio.timeout(2 * limits.SOCKET_HELLO_SECONDS):
            ends = await asyncio.gather(*(socket.receive() for socket in sockets))
        assert {end.data for end in ends} == {aiohttp.WSCloseCode.POLICY_VIOLATION}
