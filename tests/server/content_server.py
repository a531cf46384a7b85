"""A server of file contents and nothing else: in the test's process, or in one of its own.

python -m tests.server.content_server DATABASE_URL FOLDER     prints the URL it serves at,
                                                              and stops when its input ends
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import uvloop
from aiohttp import web

from coterie.protocol.commands import Command
from coterie.protocol.errors import Forbidden, Refused
from coterie.server.loop import Loop
from coterie.server.operations.access import Actor
from coterie.server.operations.uploads import Uploads
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.database import Database
from coterie.server.transport.files import Contents
from coterie.server.transport.http import refuse, secure
from coterie.server.transport.login import bearer
from coterie.server.transport.tus import Tus


def token_of(actor: Actor) -> dict[str, str]:
    """The header that makes the server take a request for this actor's."""
    return {"Authorization": f"Bearer {actor.user_id}"}


async def identify(request: web.Request) -> Actor:
    user_id = UUID(bearer(request))
    return Actor(user_id, user_id, b"")


async def refuse_command(_actor: Actor, _command: Command) -> None:
    """Reservations are the population's."""
    raise Refused(Forbidden("command"))


@asynccontextmanager
async def serving(database: Database, blobs: Blobs) -> AsyncGenerator[str]:
    """The URL it serves at."""
    app = web.Application(middlewares=[refuse])
    app.on_response_prepare.append(secure)
    uploads = Uploads(database, blobs)
    app.add_routes(Contents(database, blobs, uploads, identify).routes())
    app.add_routes(Tus(uploads, identify, refuse_command).routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def main(database_url: str, folder: str) -> None:
    database, blobs = Database(database_url), Blobs(Path(folder))
    await database.open()
    blobs.prepare()
    async with serving(database, blobs) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    await database.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]), loop_factory=Loop)
