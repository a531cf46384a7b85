"""A program that keeps a PostgreSQL, as the server does, for tests that kill it.

`python program.py DATA [UID]` prints the URL when ready, and stops on SIGTERM. With UID it first
becomes that user, for good. Refusals go to stderr with exit code 1.
"""

import asyncio
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

import uvloop

from coterie.server.postgres import Postgres, PostgresUnavailable


async def keep(data: Path) -> None:
    server = Postgres(data)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await server.start()
    watching = asyncio.create_task(server.watch())
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    await stopping.wait()
    await server.stop()
    await watching


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        import_module("concurrent.futures.thread")  # later, the user may not reach the library
        become(int(sys.argv[2]))
    try:
        uvloop.run(keep(Path(sys.argv[1])))
    except PostgresUnavailable as refusal:
        sys.exit(str(refusal))
