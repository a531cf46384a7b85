"""A server that lies, and a wire that breaks: what stands between people and the real server."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import ClientSession, web

from coterie.protocol.api import BY_COMMAND, PREFIX
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import Command
from coterie.protocol.errors import Refusal

Forgery = Callable[[Any, dict[str, str]], Any]
"""From the server's true answer, and the parameters of the path, to what the client is told."""
PASSED_ON = ("Authorization", "Content-Type", "Range", "Tus-Resumable", "Upload-Offset")
Watch = Callable[[], Awaitable[None]]


class Dropped(Exception):  # noqa: N818 - a state
    """Raised by who watches a request before it is passed on: the server never sees it."""


class Cut(Exception):  # noqa: N818 - a state
    """Raised by who watches a request, before it is passed on or after: the connection breaks."""


class Proxy:
    """Passes commands on. Per command: forge the answer, give one in the server's place, or be told
    before or after it."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.asked: list[type[Command]] = []
        self._forgeries: dict[type[Command], Forgery] = {}
        self._answers: dict[type[Command], Any] = {}
        self._before: dict[type[Command], Watch] = {}
        self._after: dict[type[Command], Watch] = {}

    def forge(self, command: type[Command], forgery: Forgery) -> None:
        self._forgeries[command] = forgery

    def answer(self, command: type[Command], told: object) -> None:
        """Say this; the server never sees the request."""
        self._answers[command] = told

    def before(self, command: type[Command], watch: Watch) -> None:
        """Called when the request has arrived and nobody has seen it."""
        self._before[command] = watch

    def after(self, command: type[Command], watch: Watch) -> None:
        """Called when the server has answered and the client does not know it."""
        self._after[command] = watch

    def be_honest(self) -> None:
        for table in (self._forgeries, self._answers, self._before, self._after):
            table.clear()

    def application(self, http: ClientSession) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        for command, endpoint in BY_COMMAND.items():
            handler = self._handler(http, command)
            app.router.add_route(endpoint.method, PREFIX + endpoint.path, handler)
        app.router.add_route("*", PREFIX + "/files/{file_id}/content", self._files(http))
        return app

    def _files(self, http: ClientSession) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            status, content, headers = await self._upstream(http, request)
            return web.Response(status=status, body=content, headers=headers)

        return handle

    async def _upstream(
        self, http: ClientSession, request: web.Request
    ) -> tuple[int, bytes, dict[str, str]]:
        body = await request.read()
        async with http.request(
            request.method,
            self.upstream + request.path_qs,
            data=body or None,
            headers=_passed_on(request.headers),
        ) as answer:
            return answer.status, await answer.read(), _passed_on(answer.headers)

    def _handler(
        self, http: ClientSession, command: type[Command]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self.asked.append(command)
            await request.read()
            try:
                return await pass_on(request)
            except Dropped:
                return web.Response(status=502)
            except Cut:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()

        async def pass_on(request: web.Request) -> web.Response:
            if command in self._before:
                await self._before[command]()
            if command in self._answers:
                told = JSON_ENCODER.encode(self._answers[command])
                return web.Response(body=told, content_type="application/json")
            status, content, _ = await self._upstream(http, request)
            if command in self._after:
                await self._after[command]()
            if command in self._forgeries and status < 300:
                status, content = self._forged(command, dict(request.match_info), content)
            return web.Response(status=status, body=content, content_type="application/json")

        return handle

    def _forged(
        self, command: type[Command], path: dict[str, str], content: bytes
    ) -> tuple[int, bytes]:
        true = msgspec.json.decode(content, type=BY_COMMAND[command].result)
        told = self._forgeries[command](true, path)
        status = told.status if isinstance(told, Refusal) else 200
        return status, JSON_ENCODER.encode(told)


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in PASSED_ON if name in headers}


Liar = tuple[Proxy, str]
"""Somebody who can change what the server says, and the address of that one."""


@asynccontextmanager
async def running_proxy(upstream: str) -> AsyncGenerator[Liar]:
    proxy = Proxy(upstream)
    async with ClientSession() as http:
        runner = web.AppRunner(proxy.application(http), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port, *_ = runner.addresses[0]
        try:
            yield proxy, f"http://{host}:{port}"
        finally:
            await asyncio.shield(runner.cleanup())
