"""A loopback proxy between clients and the server: it records everything and may forge anything.

It is the hostile server of the tests. Whatever the real server could do to a client, a test says
here as a function between the two.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from coterie.protocol.api import BY_COMMAND, PREFIX
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import Command

Struct = TypeVar("Struct", bound=msgspec.Struct)
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "upgrade"}


class Asked(msgspec.Struct, frozen=True):
    """A request on its way up. `path` is below the API's prefix."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def is_for(self, command: type[Command]) -> bool:
        row = BY_COMMAND[command]
        theirs, ours = self.path.split("/"), row.path.split("/")
        return (
            self.method == row.method
            and len(theirs) == len(ours)
            and all(o.startswith("{") or o == t for o, t in zip(ours, theirs, strict=True))
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Of the query."""
        return dict(URL.build(query_string=self.query).query)


class Answered(msgspec.Struct, frozen=True):
    """An answer on its way down."""

    status: int
    headers: dict[str, str]
    body: bytes

    def read(self, shape: type[Struct]) -> Struct:
        return msgspec.json.decode(self.body, type=shape)

    def saying(self, result: msgspec.Struct) -> "Answered":
        return msgspec.structs.replace(self, status=200, body=JSON_ENCODER.encode(result))


Forward = Callable[[Asked], Awaitable[Answered]]
Forger = Callable[[Asked, Forward], Awaitable[Answered]]
FrameForger = Callable[[bytes], bytes | None]


async def honest(asked: Asked, forward: Forward) -> Answered:
    return await forward(asked)


def forging(command: type[Command], forge: Callable[[Any], msgspec.Struct]) -> Forger:
    """Change the server's answers to one command, as structs, and leave the rest alone."""
    row = BY_COMMAND[command]

    async def between(asked: Asked, forward: Forward) -> Answered:
        answered = await forward(asked)
        if asked.is_for(command) and answered.status == 200:
            return answered.saying(forge(answered.read(row.result)))
        return answered

    return between


class Proxy:
    """`url` is for clients; `forger` and `frame_forger` may be changed at any time."""

    def __init__(self, upstream: str) -> None:
        self.upstream = URL(upstream)
        self.forger: Forger = honest
        self.frame_forger: FrameForger = lambda frame: frame
        self.traffic = bytearray()
        self.url = ""

    async def __aenter__(self) -> "Proxy":
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._bridge(request)
        asked = Asked(
            request.method,
            request.path.removeprefix(PREFIX),
            request.query_string,
            _passed_on(request.headers),
            await request.read(),
        )
        try:
            answered = await self.forger(asked, self._forward)
        except aiohttp.ClientError:
            return _cut(request)
        return web.Response(status=answered.status, headers=answered.headers, body=answered.body)

    async def _forward(self, asked: Asked) -> Answered:
        self._record(repr((asked.method, asked.path, asked.query, asked.headers)), asked.body)
        url = self.upstream.with_path(PREFIX + asked.path).with_query(asked.query)
        async with self._session.request(
            asked.method, url, headers=asked.headers, data=asked.body or None
        ) as response:
            answered = Answered(
                response.status, _passed_on(response.headers), await response.read()
            )
        self._record(repr((answered.status, answered.headers)), answered.body)
        return answered

    async def _bridge(self, request: web.Request) -> web.WebSocketResponse:
        url = self.upstream.with_path(request.path).with_query(request.query_string)
        async with self._session.ws_connect(url, max_msg_size=0) as up, asyncio.TaskGroup() as both:
            down = web.WebSocketResponse(max_msg_size=0)
            await down.prepare(request)
            both.create_task(self._pump(down, up, lambda frame: frame))
            both.create_task(self._pump(up, down, lambda frame: self.frame_forger(frame)))
        return down

    async def _pump(self, source: Any, target: Any, forge: FrameForger) -> None:
        async for message in source:
            self._record("", message.data)
            if (frame := forge(message.data)) is not None:
                await target.send_bytes(frame)
        await target.close(code=source.close_code or 1001)

    def _record(self, head: str, body: bytes) -> None:
        self.traffic += head.encode() + b"\n" + body + b"\n"


@contextlib.asynccontextmanager
async def forged(proxy: Proxy, forger: Forger) -> AsyncGenerator[None]:
    """The server lies for as long as this lasts."""
    proxy.forger = forger
    try:
        yield
    finally:
        proxy.forger = honest


def _passed_on(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


def _cut(request: web.Request) -> web.Response:
    """What a client sees of a server that is not there."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=502)
