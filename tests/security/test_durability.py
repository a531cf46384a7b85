"""Promise: an acknowledged message is on disk, once, and in the same place for everybody.

The server, and PostgreSQL under it, are killed in the middle of a load; the clients go on by
themselves.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg

from coterie.protocol import commands as c
from coterie.sdk import Client
from coterie.sdk.views import Message
from tests.support.load import Acknowledged, Load, whole_log
from tests.support.people import World
from tests.support.server import Server

MESSAGES = 5_000
LIMIT = 240.0


class Nemesis:
    """Does each of its deeds when so many entries have been acknowledged."""

    def __init__(self, *deeds: tuple[int, Callable[[], object]]) -> None:
        self._deeds = list(deeds)
        self._begun: list[asyncio.Task[object]] = []

    def notice(self, acknowledged: int) -> None:
        if self._deeds and acknowledged >= self._deeds[0][0]:
            _, deed = self._deeds.pop(0)
            self._begun.append(asyncio.create_task(asyncio.to_thread(deed)))

    async def done(self) -> None:
        assert self._deeds == [], "everything planned was done"
        await asyncio.gather(*self._begun)


class Follower:
    """A client that was told once to follow, and never again."""

    def __init__(self, client: Client, group: str) -> None:
        self.seen: dict[int, Message] = {}
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._follow(client, group))

    async def _follow(self, client: Client, group: str) -> None:
        async for message in client.follow(group, history=1):
            self.seen[message.message_id] = message
            self._news.set()

    async def has_seen(self, message_ids: set[int]) -> None:
        while message_ids - self.seen.keys():
            self._news.clear()
            await self._news.wait()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_kill_the_server_and_postgresql_under_load(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--entries-per-second", str(MESSAGES)) as server:
        async with World(server.url, tmp_path / "people") as world, asyncio.timeout(LIMIT):
            anna, bela, chen = await world.people("anna", "bela", "chen")
            group = await world.group(anna, [bela, chen])
            first = await anna.send(group, "before it begins")
            follower = Follower(chen, group)
            await follower.has_seen({first.message_id})
            await anna.sync()

            def kill_server() -> None:
                server.kill()
                server.start()

            nemesis = Nemesis(
                (1_000, kill_server), (2_500, server.kill_postgres), (4_000, kill_server)
            )
            load = Load(world.insider(anna), UUID(group), nemesis.notice)
            finished = asyncio.Event()
            talking = asyncio.create_task(talk(bela, group, finished))
            await load.messages_with_changes(f"message {number}" for number in range(MESSAGES))
            await nemesis.done()
            finished.set()
            said = ["before it begins", *await talking]

            check_once(await whole_log(world.insider(anna), UUID(group)), load.answers)
            await check_same_for_all([anna, bela, chen], group, said)
            await follower.has_seen({one.accepted.message_id for one in load.answers})
            await follower.stop()
        check_settings(server.database_url)


async def talk(client: Client, group: str, finished: asyncio.Event) -> list[str]:
    """An ordinary client in the middle of it all: whatever it sends comes through in the end."""
    said: list[str] = []
    while not finished.is_set():
        said.append(f"by hand {len(said)}")
        await client.send(group, said[-1])
    return said


def check_once(log: list[c.Entry], answers: list[Acknowledged]) -> None:
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1)), "without gaps"
    places = {entry.hash: entry.seq for entry in log}
    assert Counter(entry.hash for entry in log).most_common(1)[0][1] == 1, "nothing twice"
    lost = [one for one in answers if one.hash not in places]
    assert lost == [], "everything acknowledged is there"
    assert all(places[one.hash] == one.accepted.seq for one in answers), "where it was said to be"
    assert len(answers) == MESSAGES + 2 * MESSAGES // 10


async def check_same_for_all(clients: list[Client], group: str, said: list[str]) -> None:
    """Every client shows the same messages in the same order, with what was done to them."""
    for client in clients:
        await client.sync()
    first, *others = [await read_all(client, group) for client in clients]
    assert all(other == first for other in others)
    texts = Counter(message.text for message in first)
    assert texts["edited"] == MESSAGES // 10
    assert all(texts[text] == 1 for text in said), "what a client said by hand is there once"
    assert sum(len(message.reactions) for message in first) == MESSAGES // 10
    assert len(first) == MESSAGES + len(said)


async def read_all(client: Client, group: str) -> list[Message]:
    found: list[Message] = []
    before: int | None = None
    while page := await client.read(group, limit=1_000, before=before):
        found, before = page + found, page[0].message_id
    return found


def check_settings(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == ("on",), setting
