"""Programs that stay open: they show what the device has at once, and then what changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest

from coterie.protocol.commands import MarkRead, SendMessage
from coterie.protocol.errors import Unavailable
from coterie.sdk import Client
from coterie.sdk.errors import NotAcknowledged
from coterie.sdk.views import Message
from coterie.server.app import running
from coterie.server.config import Config
from tests.sdk.people import People, gather_in
from tests.sdk.proxy import Proxy

T = TypeVar("T")


async def until(watched: AsyncGenerator[T], wanted: Callable[[T], bool]) -> T:
    async with asyncio.timeout(30):
        async for one in watched:
            if wanted(one):
                return one
    raise AssertionError("it goes on without end")


def says(text: str) -> Callable[[list[Message]], bool]:
    return lambda messages: text in [one.text for one in messages]


async def test_what_is_here_then_what_changes_and_nothing_is_marked_as_read(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    one = await anna.send(club, "one")
    await bela.sync()
    async with aclosing(bela.watch(club, history=10)) as looks:
        assert [message.text for message in await anext(looks)] == ["one"], "at once"
        await anna.send(club, "two")
        await until(looks, says("two"))
        await anna.react(club, one.message_id, "👍")
        [changed] = await until(looks, bool)
        assert (changed.text, changed.reactions[0].users) == ("one", ("anna",))
    assert [unread.unread for unread in await bela.unread()] == [2], "who watches says what is seen"
    await bela.mark_read(club, changed.seq)
    assert [unread.unread for unread in await bela.unread()] == [1]


async def test_conversations_are_listed_with_the_newest_first(anna: Client, bela: Client) -> None:
    first = await gather_in("first", anna, bela)
    await gather_in("second", anna, bela)
    await anna.send("@bela", "psst")
    await bela.sync()
    listed = [(one.title, one.direct, one.unread) for one in await bela.conversations()]
    assert listed == [("@anna", True, 1), ("second", False, 0), ("first", False, 0)]
    await anna.send(first, "hello")
    await bela.sync()
    assert [one.title for one in await bela.conversations()] == ["first", "@anna", "second"]
    await bela.leave(first)
    assert {one.title: one.current for one in await bela.conversations()}["first"] is False


async def test_a_direct_conversation_is_also_known_by_its_id(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "psst")
    await bela.sync()
    [direct] = await bela.conversations()
    target = str(direct.conversation_id)
    await bela.send(target, "yes?")
    assert [one.text for one in await bela.kept(target, limit=1)] == ["psst"], "as last fetched"
    assert [one.text for one in await bela.read(target)] == ["psst", "yes?"]
    assert [one.text for one in await anna.read("@bela")] == ["psst", "yes?"]


async def test_everything_kept_is_there_without_a_server_which_is_noticed(
    database_url: str, tmp_path: Path
) -> None:
    config = Config(data=tmp_path / "server", port=0, database=database_url)
    async with running(config) as url:
        people = People(url, tmp_path / "homes")
        anna = await people.meet("anna")
        club = await gather_in("club", anna)
        for number in range(5):
            await anna.send(club, str(number))
        await anna.read(club)
        looks = anna.watch_all()
        assert await anext(looks) is False, "not connected yet"
        assert await until(looks, lambda connected: connected)
    assert not await until(looks, lambda connected: not connected), "the server is gone"
    assert [one.title for one in await anna.conversations()] == ["club"]
    newest = await anna.kept(club, limit=2)
    assert [one.text for one in newest] == ["3", "4"]
    older = await anna.kept(club, limit=2, before=newest[0].message_id)
    assert [one.text for one in older] == ["1", "2"]
    async with aclosing(anna.watch(club, history=1)) as watched:
        assert [one.text for one in await anext(watched)] == ["4"]
    again = Config(data=config.data, port=int(url.rpartition(":")[2]), database=database_url)
    async with running(again):
        assert await until(looks, lambda connected: connected), "and is back"
        await looks.aclose()
        await people.go_home()


async def test_what_is_not_confirmed_is_listed_until_it_is(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, url = liar
    await people.meet("dora", server=url)
    dora = people.again("dora", patience=1)
    club = await gather_in("club", anna, dora)
    proxy.forge(SendMessage, lambda true, _: Unavailable())
    with pytest.raises(NotAcknowledged):
        await dora.send(club, "one")
    [unconfirmed] = await dora.unconfirmed(club)
    assert (unconfirmed.text, unconfirmed.file_names) == ("one", ())
    proxy.be_honest()
    await dora.sync()
    assert await dora.unconfirmed(club) == []
    assert [one.text for one in await anna.read(club)] == ["one"]


async def test_looking_at_what_is_kept_asks_and_marks_nothing(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, url = liar
    dora = await people.meet("dora", server=url)
    club = await gather_in("club", anna, dora)
    await anna.send(club, "one")
    await dora.sync()
    asked = len(proxy.asked)
    assert [one.text for one in await dora.kept(club)] == ["one"]
    assert [one.unread for one in await dora.conversations()] == [1]
    assert len(proxy.asked) == asked
    assert MarkRead not in proxy.asked
