"""A wire between clients and a server that breaks where a test says."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

Breaks = Callable[[bytes], bool]
"""Whether the wire breaks before these bytes, which the other side then never sees."""


def never(_: bytes) -> bool:
    return False


class Wire:
    """Passes connections on. `passed_up` and `passed_down` are what both sides saw of each other.

    `is_noticed`: whether the server learns at once that a connection has broken; else it is left
    with one on which nothing comes any more, until `hang_up`.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = parts.hostname, parts.port
        self.breaks_up: Breaks = never
        self.breaks_down: Breaks = never
        self.is_noticed = True
        self.passed_up = 0
        self.passed_down = 0
        self.cuts = 0
        self._left: list[StreamWriter] = []

    def hang_up(self) -> None:
        """End every connection with the server."""
        for writer in self._left:
            writer.transport.abort()
        self._left.clear()

    async def relay(self, client: StreamReader, answers: StreamWriter) -> None:
        try:
            server, requests = await asyncio.open_connection(*self.upstream)
        except OSError:
            answers.transport.abort()
            return
        self._left.append(requests)
        ways = [
            asyncio.create_task(self._up(client, requests)),
            asyncio.create_task(self._down(server, answers)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            answers.close()  # not aborted: what has passed arrives
            if self.is_noticed:
                requests.transport.abort()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self, source: StreamReader, target: StreamWriter) -> None:
        while block := await source.read(1 << 16):
            if self.breaks_up(block):
                self.cuts += 1
                return
            self.passed_up += len(block)
            target.write(block)
            await target.drain()

    async def _down(self, source: StreamReader, target: StreamWriter) -> None:
        while block := await source.read(1 << 16):
            if self.breaks_down(block):
                self.cuts += 1
                return
            self.passed_down += len(block)
            target.write(block)
            await target.drain()


@asynccontextmanager
async def running_wire(upstream: str) -> AsyncGenerator[tuple[Wire, str]]:
    """The wire, and the address of its near end."""
    wire = Wire(upstream)
    relays: set[asyncio.Task[None]] = set()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        relay = asyncio.create_task(wire.relay(reader, writer))
        relays.add(relay)
        relay.add_done_callback(relays.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield wire, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        wire.hang_up()
