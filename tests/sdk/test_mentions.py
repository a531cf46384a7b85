"""Mentions: whom a message names, told to its readers and to nobody else."""

import asyncio
from contextlib import aclosing
from secrets import token_bytes
from uuid import UUID, uuid4

import pytest

from coterie.protocol.commands import Entries, ListEntries
from coterie.protocol.limits import MENTIONS_PER_MESSAGE
from coterie.protocol.roles import Rank, Role
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import BadInput
from coterie.sdk.mentions import has_names
from coterie.sdk.people import note
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.epochs import list_seats, put_seats
from coterie.sdk.vault.records import Principal, SeatRecord
from coterie.sdk.views import Message
from tests.sdk.people import People, gather_in, last, tell


def named(message: Message) -> list[str]:
    return [one.username for one in message.mentions]


async def counts(client: Client) -> dict[str, tuple[int, int]]:
    return {one.conversation: (one.unread, one.mentions) for one in await client.unread()}


async def test_members_are_mentioned_and_nobody_else(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send("@chen", "known to anna, and no member of the club")
    text = "(@bela), @bela. @chen @nobody anna@bela bela@bela.example @belas @Bela @"
    await anna.send(club, text)
    for reader, is_meant in ((anna, False), (bela, True)):
        message = await last(reader, club)
        assert (message.text, named(message)) == (text, ["bela"])
        assert (message.mentions[0].user_id, message.mentions_you) == (bela.user_id, is_meant)
    await bela.send(club, "@bela, @anna-")
    message = await last(bela, club)
    assert named(message) == ["bela", "anna"]
    assert not message.mentions_you, "nobody calls themselves"


async def test_a_newcomer_is_mentioned_by_the_name_the_server_gives(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await bela.send(club, "welcome, @chen")
    assert (await last(chen, club)).mentions_you


async def test_unread_counts_them_apart(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    for text in ("one", "two for @bela", "three"):
        await anna.send(club, text)
    oops = await anna.send(club, "four for @bela")
    assert await counts(bela) == {"club": (4, 2)}
    await anna.delete(club, oops.message_id)
    assert await counts(bela) == {"club": (3, 1)}
    await bela.read(club)
    assert await counts(bela) == {}


async def test_in_a_direct_conversation_the_other_is(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "you, @bela! @everyone")
    message = await last(bela, "@anna")
    assert (named(message), message.everyone) == (["bela"], False)


async def test_an_edit_says_anew_whom_it_means(anna: Client, bela: Client, chen: Client) -> None:
    club = await gather_in("club", anna, bela, chen)
    sent = await anna.send(club, "@bela")
    await anna.edit(club, sent.message_id, "I meant @chen")
    assert not (await last(bela, club)).mentions_you
    assert (await last(chen, club)).mentions_you


async def test_everyone_is_called_from_moderator_on(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await bela.send(club, "@everyone, by a member")
    message = await last(chen, club)
    assert (message.everyone, message.mentions_you) == (False, False)
    await anna.set_role(club, "bela", Role.MODERATOR)
    await bela.send(club, "@everyone, by a moderator")
    message = await last(chen, club)
    assert (message.everyone, message.mentions_you) == (True, True)
    assert not (await last(bela, club)).mentions_you
    assert await counts(anna) == {"club": (2, 1)}


async def test_a_client_of_ones_own_making_calls_no_more(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    """Promise: whom a message means is judged by each reader, not by who wrote it."""
    club = await gather_in("club", anna, bela)
    stranger = [chen.user_id, bela.user_id, bela.user_id]
    await tell(people.homes / "bela", club, mentions=stranger, everyone=True)
    message = await last(anna, club)
    assert (named(message), message.everyone, message.mentions_you) == (["bela"], False, False)
    await tell(people.homes / "anna", club, everyone=True)
    assert (await last(bela, club)).everyone, "the owner may"


async def test_who_follows_is_told(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    async with aclosing(bela.follow(club)) as following:
        told = asyncio.ensure_future(anext(following))
        await anna.send(club, "@bela!")
        assert (await told).mentions_you


async def test_too_many_are_refused_and_nothing_is_sent(people: People, anna: Client) -> None:
    club = str((await anna.create_group("club")).group_id)
    crowd = await seat_strangers(people, club, MENTIONS_PER_MESSAGE + 1)
    with pytest.raises(BadInput, match=f"at most {MENTIONS_PER_MESSAGE} people"):
        await anna.send(club, " ".join(crowd))
    assert await anna.read(club) == []
    await anna.send(club, " ".join(crowd[1:]))
    assert len((await last(anna, club)).mentions) == MENTIONS_PER_MESSAGE


async def seat_strangers(people: People, group: str, count: int) -> list[str]:
    """As many as there may be: into anna's store, for to sign them all up would take long."""
    strangers = [Principal(uuid4(), token_bytes(32)) for _ in range(count)]

    def work(tx: Transaction) -> None:
        seats = [
            SeatRecord(uuid4(), who.user_id, who.identity_key, token_bytes(32), Rank.MEMBER)
            for who in strangers
        ]
        put_seats(tx, UUID(group), [*list_seats(tx, UUID(group)), *seats])
        for number, who in enumerate(strangers):
            note(tx, f"stranger{number}", who)

    profile = open_profile(people.homes / "anna")
    try:
        await profile.vault.write(work)
    finally:
        await profile.close()
    return [f"@stranger{number}" for number in range(count)]


async def test_the_server_sees_nothing_of_it(people: People, anna: Client, bela: Client) -> None:
    """Promise: the server cannot tell whom a message mentions."""
    club = await gather_in("club", anna, bela)
    await anna.send(club, "@bela")
    await anna.send(club, "@nope")
    profile = open_profile(people.homes / "anna")
    try:
        asked = ListEntries(conversation_id=UUID(club), after=0)
        page = await profile.connection.call(asked, Entries)
    finally:
        await profile.close()
    with_mention, without = (entry.content or b"" for entry in page.entries[-2:])
    assert len(with_mention) == len(without)
    assert bela.user_id.bytes not in with_mention


def test_what_looks_like_a_name() -> None:
    for text in ("@ana", "hi @ana!", "«@ana»", "\n@a-b"):
        assert has_names(text), text
    for text in ("", "ana", "@", "@ ana", "a@ana", "@Ana", "@@ana", "/@ana", "@anaÄ"):
        assert not has_names(text), text
