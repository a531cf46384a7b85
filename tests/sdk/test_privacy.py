"""That somebody types, that somebody is there: shown by who wants it, kept by nobody."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from coterie.sdk import Client
from coterie.sdk.views import Privacy
from tests.sdk.people import People, gather_in

SECONDS = 20
NOBODY = frozenset[UUID]()


async def until(looks: AsyncGenerator[object], wanted: object) -> None:
    async with asyncio.timeout(SECONDS):
        async for one in looks:
            if one == wanted:
                return


async def test_who_types_is_shown_until_they_send(anna: Client, bela: Client, chen: Client) -> None:
    club = await _gather(anna, bela, chen)
    async with aclosing(bela.watch_typing(club)) as seen:
        assert await anext(seen) == ()
        await _connected(bela)
        await anna.show_typing(club)
        await until(seen, ("anna",))
        await chen.show_typing(club)
        await until(seen, ("anna", "chen"))
        await anna.send(club, "Done.")
        await until(seen, ("chen",))


async def test_who_does_not_show_it_does_not_see_it(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await _gather(anna, bela, chen)
    assert await anna.privacy() == Privacy(typing=True, presence=False)
    assert await anna.set_privacy(typing=False) == Privacy(typing=False, presence=False)
    async with (
        aclosing(bela.watch_typing(club)) as belas,
        aclosing(anna.watch_typing(club)) as annas,
    ):
        assert (await anext(belas), await anext(annas)) == ((), ())
        await _connected(bela)
        await _connected(anna)
        await anna.show_typing(club)
        await chen.show_typing(club)
        await until(belas, ("chen",))
        assert await asyncio.wait_for(anext(annas), SECONDS) == (), "chen is not shown to anna"


async def test_presence_is_shown_by_who_wants_it_to_who_shows_it(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    await _gather(anna, bela, chen)
    await anna.set_privacy(presence=True)
    await bela.set_privacy(presence=True)
    async with aclosing(anna.watch_presence()) as annas, aclosing(bela.watch_presence()) as belas:
        assert (await anext(annas), await anext(belas)) == (NOBODY, NOBODY)
        await until(annas, frozenset({bela.user_id}))
        await until(belas, frozenset({anna.user_id}))
        async with aclosing(chen.watch_presence()) as chens:
            assert await anext(chens) == NOBODY
            await _connected(chen)
            await chen.set_privacy(presence=True)
            await until(annas, frozenset({bela.user_id, chen.user_id}))
            await until(chens, frozenset({anna.user_id, bela.user_id}))
            await bela.block("chen")
            await until(chens, frozenset({anna.user_id}))
            await anna.set_privacy(presence=False)
            await until(belas, NOBODY)
            await until(chens, NOBODY)
    assert await people.again("anna").privacy() == Privacy(typing=True, presence=False)


async def test_nothing_of_it_is_written_down(anna: Client, bela: Client, database_url: str) -> None:
    """Promise: typing and presence are never stored."""
    club = await gather_in("club", anna, bela)
    await bela.sync()
    before = await _rows(database_url)
    await anna.set_privacy(presence=True)
    await anna.show_typing(club)
    assert await _rows(database_url) == before


async def _connected(client: Client) -> None:
    async with asyncio.timeout(SECONDS), aclosing(client.watch_all()) as looks:
        async for connected in looks:
            if connected:
                return


async def _gather(*clients: Client) -> str:
    """In a club, where all know all."""
    club = await gather_in("club", *clients)
    for client in clients:
        await client.sync()
    return club


async def _rows(url: str) -> dict[str, list[str]]:
    """Everything that the database holds, by table."""
    found: dict[str, list[str]] = {}
    async with await psycopg.AsyncConnection.connect(url) as connection:
        tables = await connection.execute("SELECT relname FROM pg_stat_user_tables")
        for (name,) in await tables.fetchall():
            statement = SQL("SELECT t::text FROM {} t ORDER BY 1").format(Identifier(name))
            rows = await connection.execute(statement)
            found[name] = [row for (row,) in await rows.fetchall()]
    return found
