"""Somebody tells of another history: nobody is stopped for good, and nobody by a stranger."""

from uuid import UUID

import pytest

from coterie.sdk import Client
from coterie.sdk.content import ForeignHead, Head
from coterie.sdk.errors import Forked, NotFoundHere
from coterie.sdk.log import Log
from tests.sdk.people import People, gather_in, look, tell, texts


def false(seq: int, mark: int = 7) -> Head:
    return Head(seq, bytes([mark]) * 32)


def false_elsewhere(group_id: str, seq: int, mark: int = 7) -> ForeignHead:
    return ForeignHead(UUID(group_id), seq, bytes([mark]) * 32)


async def cursor(people: People, username: str, group_id: str) -> int:
    return await look(people.homes / username, group_id, lambda log: log.record.cursor)


@pytest.mark.parametrize("ahead", [0, 50], ids=["of what was", "of what is not yet"])
async def test_a_member_who_tells_of_a_false_head_stops_nobody_for_good(
    people: People, anna: Client, bela: Client, chen: Client, ahead: int
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await bela.send(club, "hello")
    seq = await cursor(people, "bela", club) + ahead
    await bela.read(club)
    await tell(people.homes / "bela", club, false(seq))
    for client in (anna, chen):
        with pytest.raises(Forked, match=f"bela tells .*coterie resume {club} bela"):
            await client.send(club, "no")
        with pytest.raises(NotFoundHere):
            await client.accept_fork(club, "dora")
        await client.accept_fork(club, "@bela")
        await client.send(club, f"{client.username} goes on")
    await tell(people.homes / "bela", club, false(seq))
    await anna.send(club, "the same again stops nothing")
    await tell(people.homes / "bela", club, false(seq, mark=8))
    with pytest.raises(Forked, match="bela"):
        await anna.send(club, "but something else does")
    shown = [(fork.told_by, fork.seq, fork.accepted) for fork in (await anna.group(club)).forks]
    assert shown == [("bela", seq, False), ("bela", seq, True)], "what was accepted stays on record"


async def test_each_person_who_tells_of_a_fork_is_looked_into(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    for name, client in (("bela", bela), ("chen", chen)):
        await client.read(club)
        await tell(people.homes / name, club, false(await cursor(people, "anna", club)))
    await anna.read(club)
    (warning,) = anna.pop_warnings()
    assert "bela tells of a different history" in warning
    await anna.accept_fork(club, "bela")
    with pytest.raises(Forked, match="chen tells"):
        await anna.send(club, "no")
    await anna.accept_fork(club, "chen")
    await anna.send(club, "now")


async def test_who_tells_of_false_heads_can_be_put_out(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await tell(people.homes / "bela", club, false(await cursor(people, "bela", club)))
    await anna.read(club)
    await anna.kick(club, "bela")
    await anna.accept_fork(club, "bela")
    await anna.send(club, "alone again")


async def test_a_false_head_in_a_direct_conversation_stops_only_that_one(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await bela.send("@anna", "hi")
    (direct,) = [one for one in await conversations(people, "bela", club) if one != club]
    await tell(people.homes / "bela", direct, false(await cursor(people, "bela", direct)))
    with pytest.raises(Forked, match="coterie resume @bela bela"):
        await anna.send("@bela", "no")
    await anna.send(club, "here we talk")
    await anna.accept_fork("@bela", "bela")
    await anna.send("@bela", "and here")


async def test_nobody_is_stopped_by_what_a_stranger_tells(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    """Chen is in another group with anna and writes to her, and is no member of the club."""
    club = await gather_in("club", anna, bela)
    other = await gather_in("other", anna, chen)
    await chen.send("@anna", "hi")
    (direct,) = [one for one in await conversations(people, "chen", other) if one != other]
    word = [false_elsewhere(club, await cursor(people, "anna", club))]
    for place in (direct, other):
        await tell(people.homes / "chen", place, foreign_heads=word)
    assert await texts(anna, other) == ["what I saw"]
    assert await texts(anna, "@chen") == ["hi", "what I saw"]
    await anna.send(club, "nothing happened")
    assert (await anna.group(club)).forks == ()


async def test_of_the_heads_a_contact_tells_ahead_the_lowest_waits(
    people: People, anna: Client, bela: Client
) -> None:
    """However many: the store does not grow, and the one that is reached first is compared."""
    club = await gather_in("club", anna, bela)
    await bela.send("@anna", "hi")
    (direct,) = [one for one in await conversations(people, "bela", club) if one != club]
    await anna.sync()
    seen = await cursor(people, "anna", club)
    for ahead in (100, 2, 3, 50):
        word = [false_elsewhere(club, seen + ahead)]
        await tell(people.homes / "bela", direct, foreign_heads=word)
    await anna.read("@bela")
    count = "SELECT count(*) FROM waiting_heads"
    assert await look(people.homes / "anna", club, lambda log: log.tx.one(count)) == (1,)
    await anna.send(club, "one")
    await anna.send(club, "two")
    with pytest.raises(Forked, match=f"entry {seen + 2}"):
        await anna.send(club, "three")


async def conversations(people: People, username: str, known: str) -> list[str]:
    def listed(log: Log) -> list[str]:
        rows = log.tx.all("SELECT conversation_id FROM conversations")
        return [str(UUID(bytes=key)) for (key,) in rows]

    return await look(people.homes / username, known, listed)
