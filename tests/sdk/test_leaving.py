"""Leaving: whoever left reads nothing more, however many they are."""

import pytest
from aiohttp import ClientSession

from coterie.protocol.commands import Command, DeleteGroup, LeaveGroup
from coterie.protocol.limits import PROPOSALS_PER_COMMIT
from coterie.sdk import Client
from coterie.sdk.link_keys import LinkKeys
from tests.sdk.people import People, gather_in, texts
from tests.sdk.proxy import Cut, Liar
from tests.server.client import Link, Person


async def test_who_wrote_and_left_is_known_by_name(
    anna: Client, bela: Client, chen: Client
) -> None:
    """Promise: a device that first reads after somebody has gone still says who they were."""
    group = await anna.create_group("club")
    link = str((await anna.create_invite("club")).link)
    await chen.join(link)
    await bela.join(link)
    said = await bela.send("club", "I shall not stay.")
    await bela.react("club", said.message_id, "👋")
    await bela.leave("club")
    await anna.send("club", "A pity.")

    read = await chen.read("club")
    assert [(one.sender, one.text) for one in read] == [
        ("bela", "I shall not stay."),
        ("anna", "A pity."),
    ]
    assert read[0].reactions[0].users == ("bela",)
    assert [one.username for one in await chen.members(str(group.group_id))] == ["anna", "chen"]


async def test_who_is_put_out_reads_what_is_kept_and_hears_why_once(
    anna: Client, bela: Client
) -> None:
    group = await gather_in("club", anna, bela)
    await anna.send(group, "Welcome!")
    await bela.sync()
    await anna.kick(group, "bela")
    bela.pop_warnings()

    assert await texts(bela, group) == ["Welcome!"]
    assert bela.pop_warnings() == [
        "The server says you are not in this conversation: this is what you kept."
    ]


@pytest.mark.parametrize("way_out", [LeaveGroup, DeleteGroup])
async def test_a_group_is_gone_though_the_answer_was_lost(
    dora: Client, liar: Liar, way_out: type[Command]
) -> None:
    """The last one leaves, or deletes the group: asked once more, the server knows of none."""
    await dora.create_group("club")
    lost: list[None] = []

    async def lose_the_first() -> None:
        if not lost:
            lost.append(None)
            raise Cut

    liar[0].after(way_out, lose_the_first)
    await (dora.leave("club") if way_out is LeaveGroup else dora.delete_group("club"))

    assert liar[0].asked.count(way_out) == 2
    assert await dora.groups() == []


@pytest.mark.timeout(300)
async def test_more_may_leave_than_one_commit_takes(people: People, anna: Client) -> None:
    group = await anna.create_group("crowd")
    made = (await anna.create_invite("crowd")).link
    keys = LinkKeys(made.secret)
    link = Link(made.code, keys.signing_seed, keys.invite_key)
    async with ClientSession(people.server) as http:
        crowd = [Person(http, f"p{number}") for number in range(PROPOSALS_PER_COMMIT + 1)]
        for person in crowd:
            await person.sign_up()
            await person.join(link)
        for person in crowd:
            await person.ask(person.departure(group.group_id))

    await anna.send("crowd", "anybody here?")

    assert await texts(anna, "crowd") == ["anybody here?"]
    assert [one.username for one in await anna.members("crowd")] == ["anna"]
