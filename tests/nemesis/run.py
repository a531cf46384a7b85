"""One run: twelve clients live upon a server that is not left in peace; then all heals."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.server.operations.leftovers import sweep
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.database import Database
from tests.nemesis.crowd import Crowd
from tests.nemesis.evidence import Evidence, gather
from tests.nemesis.faults import Nemesis
from tests.nemesis.journal import Deed, Found, Journal
from tests.nemesis.relay import Relay
from tests.support.people import World
from tests.support.server import Server

CLIENTS: Final = 12
PROCESSES: Final = 3
LONG_AGO: Final = 7 * 24 * 3600


class Run:
    """A run that is over: everything is at rest, and lies there to be looked at."""

    def __init__(self, server: Server, group: str) -> None:
        self.group = group
        self.server = server
        self.blobs = server.data / "files"
        self.database_url = server.database_url
        self.deeds: list[Deed] = []
        self.found: list[Found] = []
        self.summary = ""

    def evidence(self, connection: psycopg.Connection) -> Evidence:
        return gather(connection, self.blobs, self.group, self.deeds, self.found)

    async def forget_leftovers(self) -> None:
        """As the server does it, as if a week had passed since."""
        long_ago = time.time() - LONG_AGO
        for path in self.blobs.iterdir():
            os.utime(path, times=(long_ago, long_ago))
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("UPDATE files SET created_at = created_at - interval '7 days'")
        database = Database(self.database_url)
        await database.open()
        await sweep(database, Blobs(self.blobs))
        await database.close()


@asynccontextmanager
async def lived(
    seed: int, folder: Path, seconds: float, *, in_peace: bool = False
) -> AsyncGenerator[Run]:
    with Server(folder / "data", "--entries-per-second", "100000") as server:
        async with Relay(server.url) as relay, AsyncExitStack() as opened:
            group, homes = await _gather(relay.url, folder / "people")
            crowds = [
                await _start(seed, group, homes[number::PROCESSES], opened)
                for number in range(PROCESSES)
            ]
            nemesis = Nemesis(server, relay, Random(seed))  # noqa: S311
            await asyncio.gather(*(crowd.live() for crowd in crowds))
            await (asyncio.sleep(seconds) if in_peace else nemesis.rage(seconds))
            journals = await asyncio.gather(*(crowd.stop() for crowd in crowds))
            run = Run(server, group)
            run.deeds = [deed for journal in journals for deed in journal.deeds]
            run.found = await _rest(crowds, homes[0], group)
            run.summary = _summary(nemesis, journals)
            await run.forget_leftovers()
            yield run


async def _gather(url: str, folder: Path) -> tuple[str, list[Path]]:
    """Everybody signs up and joins; the first of each process is at least an admin."""
    async with World(url, folder) as world:
        host, *others = await world.crowd(CLIENTS)
        group = await world.group(host, others)
        for other in others[: PROCESSES - 1]:
            await host.set_role(group, other.username, Role.ADMIN)
        return group, [world.home(client.username) for client in (host, *others)]


async def _start(seed: int, group: str, homes: list[Path], opened: AsyncExitStack) -> Crowd:
    crowd = await Crowd.start(seed, group, homes)
    opened.push_async_callback(crowd.end)
    return crowd


async def _rest(crowds: list[Crowd], home: Path, group: str) -> list[Found]:
    """All read everything, twice, for a message comes in between; then one that nobody reads."""
    for _ in range(2):
        await asyncio.gather(*(crowd.read() for crowd in crowds))
        async with Client.open(home) as host:
            await host.send(group, f"{host.username} is at rest")
    found = await asyncio.gather(*(crowd.find() for crowd in crowds))
    return [one for some in found for one in some]


def _summary(nemesis: Nemesis, journals: list[Journal]) -> str:
    deeds = [deed for journal in journals for deed in journal.deeds]
    done = Counter(f"{deed.what}{'' if deed.acknowledged else '?'}" for deed in deeds)
    refusals = sum((Counter(journal.refusals) for journal in journals), Counter[str]())
    return f"{nemesis.done}\n{dict(done)}\n{dict(refusals)}"
