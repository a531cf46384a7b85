"""Promise: whoever was away catches up without gaps or duplicates, page by page.

The server's work for a page does not grow with the page, and the client believes no page whose
hashes do not lead to the chain it is shown.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from coterie.protocol import commands as c
from coterie.protocol.chain import next_link
from coterie.protocol.limits import PAGE_ENTRIES
from coterie.sdk import Client
from tests.support.insider import Insider
from tests.support.load import Load, whole_log
from tests.support.people import World
from tests.support.postgres_relay import PostgresRelay
from tests.support.proxy import Answered, Asked, Forward, Proxy
from tests.support.server import Server

AWAY = 10_000


@pytest.fixture
async def relay(
    make_database: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[tuple[PostgresRelay, str]]:
    """A database of the test's own, behind a relay that counts; and its address."""
    url = make_database("template0")
    upstream = Path(str(conninfo_to_dict(url)["host"]))
    folder = tmp_path / "pg"
    folder.mkdir()
    async with PostgresRelay(upstream, folder) as relay:
        yield relay, make_conninfo(url, host=str(folder))


async def test_ten_thousand_messages_page_by_page(
    relay: tuple[PostgresRelay, str], tmp_path: Path
) -> None:
    counter, url = relay
    options = ("--database", url, "--entries-per-second", str(AWAY))
    server = Server(tmp_path / "data", *options)
    await server.restart()
    try:
        async with Proxy(server.url) as proxy, World(server.url, tmp_path) as world:
            anna = await world.person("anna")
            bela = await world.person("bela", proxy.url)
            group = await world.group(anna, [bela])
            load = Load(world.insider(anna), UUID(group))
            await load.messages(f"message {number}" for number in range(AWAY))

            pages = await count_pages(proxy, bela)
            assert pages == -(-AWAY // PAGE_ENTRIES), "page by page, and no page twice"
            await check_whole(bela, group)
            await check_chain(world.insider(anna), UUID(group))
            await check_queries(counter, world.insider(anna), UUID(group))
    finally:
        server.stop()


async def count_pages(proxy: Proxy, bela: Client) -> int:
    """Bela comes back; how many pages with entries she asked for."""
    pages = 0

    async def counting(asked: Asked, forward: Forward) -> Answered:
        nonlocal pages
        answered = await forward(asked)
        if asked.is_for(c.ListEntries):
            pages += bool(answered.read(c.Entries).entries)
        return answered

    proxy.forger = counting
    await bela.sync()
    return pages


async def check_whole(bela: Client, group: str) -> None:
    """Every message once, none a stub."""
    texts: list[str] = []
    before: int | None = None
    while messages := await bela.read(group, limit=1_000, before=before):
        assert {message.problem for message in messages} == {None}
        texts += [message.text or "" for message in messages]
        before = messages[0].message_id
    assert sorted(texts) == sorted(f"message {number}" for number in range(AWAY))


async def check_chain(reader: Insider, group_id: UUID) -> None:
    """The chain that the pages end in is the one their hashes make."""
    log = await whole_log(reader, group_id)
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    link = (await page_at(reader, group_id, 0, 1)).chain
    for entry in log[1:]:
        link = next_link(link, entry.seq, entry.hash)
    assert (await page_at(reader, group_id, len(log) - 1, 1)).chain == link


async def page_at(reader: Insider, group_id: UUID, after: int, limit: int) -> c.Entries:
    command = c.ListEntries(conversation_id=group_id, after=after, limit=limit)
    page: c.Entries = await reader.caller.call(command)
    return page


async def check_queries(counter: PostgresRelay, reader: Insider, group_id: UUID) -> None:
    """As many statements for a page of five hundred as for a page of one."""
    counts: set[int] = set()
    for limit in (1, 10, 100, PAGE_ENTRIES):
        before = counter.statements
        page = await page_at(reader, group_id, 100, limit)
        assert len(page.entries) == limit
        counts.add(counter.statements - before)
    assert len(counts) == 1, f"statements for pages of 1, 10, 100 and 500: {counts}"
    assert counts.pop() > 0, "the relay counts"
