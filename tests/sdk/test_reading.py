"""Unread: what others wrote after the last that any of a person's devices has shown."""

import asyncio
from contextlib import aclosing

from msgspec.structs import replace

from coterie.protocol.commands import Conversations, ListConversations, MarkRead
from coterie.protocol.limits import LARGEST_NUMBER
from coterie.sdk import Client
from tests.sdk.people import People, gather_in
from tests.sdk.proxy import Proxy


async def unread(client: Client) -> dict[str, int]:
    return {one.conversation: one.unread for one in await client.unread()}


async def test_what_others_wrote_is_unread_until_it_is_read(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    assert await unread(bela) == {}, "to enter is nothing to read"
    for text in ("one", "two", "three"):
        await anna.send(club, text)
    await anna.send("@bela", "psst")
    assert await unread(bela) == {"club": 3, "@anna": 1}
    assert await unread(anna) == {}, "nobody's own words are new to them"

    await bela.read(club, limit=1)
    assert await unread(bela) == {"@anna": 1}
    await bela.read("@anna")
    assert await unread(bela) == {}

    await bela.send(club, "four")
    assert await unread(bela) == {}
    assert await unread(anna) == {"club": 1}


async def test_a_deleted_message_is_no_longer_unread(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = await anna.send(club, "oops")
    assert await unread(bela) == {"club": 1}
    await anna.delete(club, sent.message_id)
    assert await unread(bela) == {}


async def test_reading_an_older_page_marks_nothing(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send(club, "one")
    newest = await anna.send(club, "two")
    await bela.read(club, before=newest.message_id)
    assert await unread(bela) == {"club": 2}


async def test_another_process_and_the_server_know_of_it(
    anna: Client, people: People, liar: tuple[Proxy, str]
) -> None:
    proxy, url = liar
    bela = await people.meet("bela", server=url)
    club = await gather_in("club", anna, bela)
    await anna.send(club, "one")
    for _ in range(3):
        await bela.read(club)
    assert await unread(people.again("bela")) == {}
    assert proxy.asked.count(MarkRead) == 1, "it is told once"


async def test_who_follows_has_read_what_they_saw(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    async with aclosing(bela.follow(club)) as following:
        first = asyncio.ensure_future(anext(following))
        await anna.send(club, "one")
        assert (await first).text == "one"
        second = asyncio.ensure_future(anext(following))
        await anna.send(club, "two")
        assert (await second).text == "two"
    assert await unread(bela) == {"club": 1}, "the last was given out, and nobody asked on"


async def test_a_lying_server_cannot_hide_what_comes(
    people: People, bela: Client, liar: tuple[Proxy, str]
) -> None:
    proxy, url = liar
    anna = await people.meet("anna", server=url)
    club = await gather_in("club", anna, bela)

    def read_all(told: Conversations, _: object) -> Conversations:
        return replace(
            told,
            conversations=[replace(one, read_seq=LARGEST_NUMBER) for one in told.conversations],
        )

    proxy.forge(ListConversations, read_all)
    await anna.sync()
    await bela.send(club, "one")
    assert await unread(anna) == {"club": 1}
