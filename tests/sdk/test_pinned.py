"""Pinned messages: for everybody, in secret, and by those alone who may."""

import psycopg
import pytest

from coterie.protocol.chain import next_link
from coterie.protocol.errors import Forbidden, Refused
from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.errors import NotFoundHere
from tests.sdk.people import People, gather_in, last


async def pinned(client: Client, target: str) -> list[tuple[str | None, str]]:
    return [(one.message.text, one.pinned_by) for one in await client.pinned(target)]


async def test_what_is_pinned_everybody_finds_the_last_first(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    rules, address = await anna.send(club, "the rules"), await bela.send(club, "the address")
    assert await bela.pinned(club) == []
    await anna.pin(club, rules.message_id)
    await anna.pin(club, address.message_id)
    await anna.pin(club, rules.message_id)
    both = [("the address", "anna"), ("the rules", "anna")]
    for client in (anna, bela, people.again("bela")):
        assert await pinned(client, club) == both
    assert (await last(bela, club)).pinned
    await anna.edit(club, rules.message_id, "the new rules")
    await anna.unpin(club, address.message_id)
    assert await pinned(bela, club) == [("the new rules", "anna")]
    assert not (await last(bela, club)).pinned
    await anna.pin(club, address.message_id)
    await anna.delete(club, rules.message_id)
    assert await pinned(bela, club) == [("the address", "anna")]
    with pytest.raises(NotFoundHere):
        await anna.pin(club, rules.message_id)


async def test_a_pin_wakes_who_follows(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = await anna.send(club, "the rules")
    following = bela.follow(club, history=1)
    assert not (await anext(following)).pinned
    await anna.pin(club, sent.message_id)
    news = await anext(following)
    assert (news.message_id, news.pinned) == (sent.message_id, True)
    await following.aclose()


async def test_moderators_pin_in_groups_and_both_in_direct_conversations(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    sent = await bela.send(club, "mine")
    with pytest.raises(Refused) as no:
        await bela.pin(club, sent.message_id)
    assert no.value.refusal == Forbidden("pin")
    await anna.set_role(club, "bela", Role.MODERATOR)
    await bela.pin(club, sent.message_id)
    assert await pinned(anna, club) == [("mine", "bela")]
    await anna.unpin(club, sent.message_id)
    assert await pinned(bela, club) == []

    sent = await anna.send("@bela", "between us")
    await bela.sync()
    await bela.pin("@anna", sent.message_id)
    assert await pinned(anna, "@bela") == [("between us", "bela")]
    await anna.unpin("@bela", sent.message_id)
    assert await pinned(bela, "@anna") == []


async def test_a_server_cannot_let_a_member_pin(
    anna: Client, bela: Client, database_url: str
) -> None:
    """Its tables may call a member a moderator: what counts is the signed state."""
    club = await gather_in("club", anna, bela)
    sent = await bela.send(club, "mine")
    with psycopg.connect(database_url, autocommit=True) as database:
        promote = "UPDATE group_members SET role = 'moderator' WHERE user_id = %s"
        database.execute(promote, [bela.user_id])
    await bela.pin(club, sent.message_id)
    for client in (anna, bela):
        assert await pinned(client, club) == []
    await anna.send(club, "and the log goes on")
    await anna.set_role(club, "bela", Role.MODERATOR)
    await bela.sync()
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute("DELETE FROM pins")
    await bela.pin(club, sent.message_id)
    assert await pinned(anna, club) == [("mine", "bela")]


async def test_a_server_cannot_play_a_pin_again(
    anna: Client, bela: Client, database_url: str
) -> None:
    club = await gather_in("club", anna, bela)
    sent = await anna.send(club, "the rules")
    await anna.pin(club, sent.message_id)
    assert len(await bela.pinned(club)) == 1
    await anna.unpin(club, sent.message_id)
    with psycopg.connect(database_url, autocommit=True) as database:
        play_again(database, club)
    assert await bela.pinned(club) == []
    assert [message.text for message in await bela.read(club)] == ["the rules"]


def play_again(database: psycopg.Connection, group_id: str) -> None:
    """The first pin once more, as the newest entry, rightly chained."""
    find = "SELECT entry_hash FROM entries WHERE conversation_id = %s AND kind = 5 ORDER BY seq"
    row = database.execute(find, [group_id]).fetchone()
    head = database.execute("SELECT seq, chain FROM conversations WHERE id = %s", [group_id])
    place = head.fetchone()
    assert row
    assert place
    seq, chain = place[0] + 1, next_link(place[1], place[0] + 1, row[0])
    database.execute(
        """INSERT INTO entries (conversation_id, seq, kind, epoch, sender_id, device_id, message_id,
                                content, entry_hash, chain)
           SELECT conversation_id, %s, kind, epoch, sender_id, device_id, message_id, content,
                  entry_hash, %s
           FROM entries WHERE entry_hash = %s""",
        [seq, chain, row[0]],
    )
    database.execute(
        "UPDATE conversations SET seq = %s, chain = %s WHERE id = %s", [seq, chain, group_id]
    )
