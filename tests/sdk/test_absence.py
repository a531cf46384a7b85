"""Coming back: after ten thousand messages, and after more than a week."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from coterie.governance.device_lists import DeviceList
from coterie.protocol.commands import (
    Accepted,
    Command,
    Done,
    ListEntries,
    ListNewEntries,
    NewEntries,
    NewPage,
    SendMessage,
)
from coterie.protocol.header import EntryKind, Header
from coterie.protocol.limits import PAGE_ENTRIES, READ_MESSAGES, UPDATE_SECONDS
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.clock import now
from coterie.sdk.content import Body, DeviceListRef, Head, seal_entry
from coterie.sdk.log import Log
from coterie.sdk.outgoing import new_client_id
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, put_conversation
from tests.sdk.people import People, gather_in, look, texts
from tests.sdk.proxy import Proxy

MESSAGES = 10_000


@pytest.fixture
def entries_per_second() -> int:
    return MESSAGES


def seal_many(log: Log, count: int) -> list[SendMessage]:
    """What a device sends, without waiting for one answer after the other."""
    epoch, account = log.epoch(), log.account
    devices = DeviceList.decode(account.device_list)
    assert epoch.content_key is not None

    def seal(number: int) -> SendMessage:
        header = Header(
            log.conversation_id,
            log.record.epoch,
            account.device_id,
            new_client_id(),
            EntryKind.MESSAGE,
        )
        body = Body(
            text=str(number),
            head=Head(log.record.cursor, log.record.link),
            device_list=DeviceListRef(devices.version, devices.hash),
        )
        assert epoch.content_key is not None
        entry = seal_entry(epoch.content_key, header, body, account.device_seed, epoch.context_hash)
        return SendMessage(conversation_id=log.conversation_id, entry=entry)

    return [seal(number) for number in range(count)]


async def test_ten_thousand_messages_are_fetched_page_by_page(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, address = liar
    dora = await people.meet("dora", server=address)
    club = await gather_in("club", anna, dora)
    await anna.read(club)
    commands = await look(people.homes / "anna", club, lambda log: seal_many(log, MESSAGES))
    profile = open_profile(people.homes / "anna")
    waiting = iter(commands)

    async def send() -> None:
        for command in waiting:
            await profile.connection.call(command, Accepted)

    await asyncio.gather(*(send() for _ in range(32)))
    await profile.close()
    proxy.asked.clear()
    newest = await dora.read(club, limit=READ_MESSAGES)
    asked: Counter[type[Command]] = Counter(proxy.asked)
    assert asked[ListEntries] <= MESSAGES / PAGE_ENTRIES + 2, "whole pages, and no more"
    assert asked.total() <= asked[ListEntries] + 5, "nothing is asked for each message"
    assert len(newest) == READ_MESSAGES
    read = newest
    while len(read) < MESSAGES:
        read = [*await dora.read(club, limit=READ_MESSAGES, before=read[0].message_id), *read]
    assert {message.text for message in read} == {str(n) for n in range(MESSAGES)}
    assert [m.seq for m in read] == list(range(read[0].seq, read[0].seq + MESSAGES))


async def gather_in_several(count: int, *people: Client) -> list[str]:
    return [await gather_in(f"club {number}", *people) for number in range(count)]


async def test_what_is_new_in_several_conversations_is_asked_for_at_once(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    """One that is broken is told of, and stops none of the others."""
    proxy, address = liar
    dora = await people.meet("dora", server=address)
    clubs = await gather_in_several(5, anna, dora)
    for club in clubs:
        await anna.send(club, f"news of {club}")

    def withhold(told: NewEntries, _: object) -> NewEntries:
        """Of the second the server drops the message, and says that this is all."""
        first, second, *rest = told.pages
        assert second.entries
        entries = [replace(second.entries[0], hash=bytes(32)), *second.entries[1:]]
        return replace(told, pages=[first, replace(second, entries=entries), *rest])

    proxy.forge(ListNewEntries, withhold)
    proxy.asked.clear()
    await dora.sync()
    assert Counter(proxy.asked)[ListNewEntries] == 1
    asked_alone = Counter(proxy.asked)[ListEntries]
    proxy.asked.clear()
    proxy.be_honest()
    read = [await texts(dora, club) for club in clubs]
    assert read == [[f"news of {club}"] for club in clubs], "the server is honest by now"
    assert asked_alone <= 1, "about the one with the broken page"


async def test_an_old_page_that_promises_more_is_not_applied_for_ever(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, address = liar
    dora = await people.meet("dora", server=address)
    clubs = await gather_in_several(2, anna, dora)
    shown: dict[UUID, NewPage] = {}

    def remember(told: NewEntries, _: object) -> NewEntries:
        shown.update({page.conversation_id: page for page in told.pages})
        return told

    def repeat(told: NewEntries, _: object) -> NewEntries:
        return replace(
            told, pages=[replace(shown[page.conversation_id], more=True) for page in told.pages]
        )

    for forge in (remember, repeat):
        for club in clubs:
            await anna.send(club, "news")
        proxy.forge(ListNewEntries, forge)
        async with asyncio.timeout(30):
            await dora.sync()
    assert shown
    assert [await texts(dora, club) for club in clubs] == [["news", "news"]] * 2


async def test_what_an_answer_had_no_room_for_is_asked_for_together_too(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, address = liar
    dora = await people.meet("dora", server=address)
    clubs = await gather_in_several(4, anna, dora)
    for club in clubs:
        await anna.send(club, "news")

    def crowded(told: NewEntries, _: object) -> NewEntries:
        return replace(told, pages=told.pages[:2], full=len(told.pages) > 2)

    proxy.forge(ListNewEntries, crowded)
    proxy.asked.clear()
    await dora.sync()
    asked = Counter(proxy.asked)
    assert (asked[ListNewEntries], asked[ListEntries]) == (2, 0)
    assert [await texts(dora, club) for club in clubs] == [["news"]] * 4


async def test_without_an_answer_about_several_each_is_asked_for_alone(
    people: People, liar: tuple[Proxy, str], anna: Client
) -> None:
    proxy, address = liar
    dora = await people.meet("dora", server=address)
    clubs = await gather_in_several(2, anna, dora)
    for club in clubs:
        await anna.send(club, "news")
    proxy.answer(ListNewEntries, Done())
    proxy.asked.clear()
    await dora.sync()
    assert Counter(proxy.asked)[ListEntries] == len(clubs)
    assert dora.pop_warnings() == []


async def test_whoever_was_away_for_a_week_renews_their_keys(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send(club, "see you")
    home = people.homes / "anna"
    before = await look(home, club, lambda log: (log.record.epoch, _own_key(log)))

    def a_week_ago(tx: Transaction) -> None:
        record = get_conversation(tx, UUID(club))
        assert record is not None
        record.leaf_updated_at = now() - timedelta(seconds=UPDATE_SECONDS + 1)
        put_conversation(tx, record)

    profile = open_profile(home)
    await profile.vault.write(a_week_ago)
    await profile.close()
    await anna.send(club, "back")
    after = await look(home, club, lambda log: (log.record.epoch, _own_key(log)))
    assert after[0] == before[0] + 1, "one commit, before the first message"
    assert after[1] != before[1], "what was copied of the old key is useless"
    await anna.send(club, "once is enough")
    assert (await look(home, club, lambda log: log.record.epoch)) == after[0]
    assert await texts(bela, club) == ["see you", "back", "once is enough"]


def _own_key(log: Log) -> bytes:
    leaf = log.public.tree.leaf(log.group.own_leaf)
    assert leaf is not None
    return leaf.encryption_key
