"""`GET /healthz`, for everybody; `/readyz` and `/metrics`, for who runs the server."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import hdrs, web

from coterie.protocol.errors import NotFound, Refused, Unavailable
from coterie.server.metrics import Gauge, exposition
from coterie.server.storage.database import Database

FORWARDED = (hdrs.FORWARDED, hdrs.X_FORWARDED_FOR, hdrs.X_FORWARDED_HOST, "X-Real-IP")

Answer = Callable[[web.Request], Awaitable[web.Response]]


class Health:
    """`is_full`: whether no more messages are taken in for now."""

    def __init__(
        self, database: Database, is_full: Callable[[], bool], gauges: Sequence[Gauge]
    ) -> None:
        self._database = database
        self._is_full = is_full
        self._gauges = gauges

    def public_routes(self) -> list[web.RouteDef]:
        """Of the listener that everybody reaches: there the rest is for this machine alone."""
        return [
            web.get("/healthz", self.healthy),
            web.get("/readyz", _here_alone(self.ready)),
            web.get("/metrics", _here_alone(self.metrics)),
        ]

    def routes(self) -> list[web.RouteDef]:
        """Of a listener that the operator has opened for this."""
        return [
            web.get("/healthz", self.healthy),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
        ]

    async def healthy(self, _request: web.Request) -> web.Response:
        """200 while the database answers; Unavailable, 503, while it does not."""
        await self._database.check()
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 while messages can be written; 503 with what is in the way while they cannot."""
        checks = {"database": await self._database_state(), "queue": self._queue_state()}
        ready = set(checks.values()) == {"ok"}
        return web.json_response(
            {"status": "ready" if ready else "not_ready", "checks": checks},
            status=200 if ready else 503,
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        response = web.Response(text=exposition(self._gauges))
        response.headers[hdrs.CONTENT_TYPE] = "text/plain; version=0.0.4; charset=utf-8"
        return response

    async def _database_state(self) -> str:
        try:
            return "ok" if await self._database.is_writable() else "read_only"
        except Refused as no:
            if isinstance(no.refusal, Unavailable):
                return "unavailable"
            raise

    def _queue_state(self) -> str:
        return "full" if self._is_full() else "ok"


def _here_alone(answer: Answer) -> Answer:
    """For requests made on this machine, to this machine. A proxy on it is no such request: it
    says for whom it asks, or at least by which name."""

    async def guarded(request: web.Request) -> web.Response:
        passed_on = any(name in request.headers for name in FORWARDED)
        host = request.host.rpartition(":")[0] or request.host
        if passed_on or not is_loopback(request.remote or "") or not is_loopback(host.strip("[]")):
            raise Refused(NotFound("address"))
        return await answer(request)

    return guarded


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
