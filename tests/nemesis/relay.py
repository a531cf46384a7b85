"""A way to the server that can be cut: TCP in, TCP out."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class Relay:
    """`url` is for clients, in place of the server's."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = parts.hostname, parts.port
        self._open: set[asyncio.WriteTransport] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> "Relay":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> int:
        """Reset every connection; how many there were."""
        cut = [*self._open]
        for transport in cut:
            transport.abort()
        return len(cut) // 2

    def _accept(self, down: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(down, answers))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, down: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        transports: set[asyncio.WriteTransport] = {answers.transport}
        self._open |= transports
        try:
            up, requests = await asyncio.open_connection(*self._upstream)
            transports.add(requests.transport)
            self._open |= transports
            await asyncio.gather(_copy(down, requests), _copy(up, answers))
        except OSError:
            pass  # what the client sees is a connection that is reset
        finally:
            self._open -= transports
            for transport in transports:
                transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while block := await source.read(1 << 16):
        target.write(block)
        await target.drain()
    with suppress(OSError):
        target.write_eof()
