"""A relay in front of PostgreSQL's socket that counts the statements it passes on."""

import asyncio
from contextlib import suppress
from pathlib import Path

STATEMENTS = (b"Q", b"B")
"""Simple queries, and Binds: one for each execution of a prepared statement."""


class PostgresRelay:
    """`host` is for a connection string, in place of `upstream`: both are folders of sockets."""

    def __init__(self, upstream: Path, folder: Path) -> None:
        self.host = folder
        self.statements = 0
        self._upstream = upstream / ".s.PGSQL.5432"
        self._relaying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "PostgresRelay":
        path = self.host / ".s.PGSQL.5432"
        self._server = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._relaying:
            task.cancel()
        await asyncio.gather(*self._relaying, return_exceptions=True)

    async def _serve(self, down: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(down, answers))
        self._relaying.add(task)
        task.add_done_callback(self._relaying.discard)

    async def _relay(self, down: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        up, requests = await asyncio.open_unix_connection(self._upstream)
        try:
            await asyncio.gather(
                self._count(down, requests), _copy(up, answers), return_exceptions=True
            )
        finally:
            for writer in (requests, answers):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _count(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Frontend messages: a start-up packet without a type, then `type ‖ length ‖ body`."""
        kind = b""
        try:
            while True:
                head = await source.readexactly(4)
                body = await source.readexactly(int.from_bytes(head) - 4)
                self.statements += kind in STATEMENTS
                target.write(kind + head + body)
                await target.drain()
                kind = await source.readexactly(1)
        except (asyncio.IncompleteReadError, ConnectionError):
            target.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while block := await source.read(1 << 16):
        target.write(block)
        await target.drain()
    target.close()
