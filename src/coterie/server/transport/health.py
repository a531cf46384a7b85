"""`GET /healthz`: whether commands can be answered."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from coterie.server.storage.database import Database


def health(database: Database) -> Callable[[web.Request], Awaitable[web.Response]]:
    """200 while the database answers; Unavailable, 503, while it does not."""

    async def answer(_request: web.Request) -> web.Response:
        await database.check()
        return web.json_response({"status": "ok"})

    return answer
