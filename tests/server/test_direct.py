"""Direct conversations and blocks."""

import asyncio

import msgspec
import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import (
    Blocked,
    CommitMismatch,
    CommitRefused,
    DirectExists,
    Malformed,
    NotFound,
)
from tests.server.client import NewPerson, Person, outcome, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_one_opens_and_the_other_joins_by_welcome(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await chen.publish()
    opened = await bela.open_direct(chen)
    said = await bela.send(opened)
    assert await chen.accept_welcomes() == [opened]
    assert chen.group(opened).public == bela.group(opened).public
    answer = await chen.send(opened, reply_to=said)
    assert [e.hash for e in (await chen.log(opened))[1:]] == [said.hash, answer.hash]
    assert (await chen.ask(c.ListWelcomes())).welcomes == [], "it is used"
    for person, peer in ((bela, chen), (chen, bela)):
        (found,) = (await person.ask(c.ListConversations())).conversations
        assert (found.group_id, found.joined_seq) == (None, 1)
        assert found.peer == await person.ask(c.GetUser(username=peer.username))
        assert await person.ask(c.GetDirect(peer_id=peer.user_id)) == found


async def test_the_second_to_open_is_told_of_the_first(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await bela.publish()
    await chen.publish(2)
    commands = [
        (bela, (await bela.opening(chen))[0]),
        (bela, (await bela.opening(chen))[0]),
        (chen, (await chen.opening(bela))[0]),
    ]

    asked = [outcome(person.ask(command)) for person, command in commands]
    answers = await asyncio.gather(*asked)
    (winner,) = [answer for answer in answers if isinstance(answer, c.Ordered)]
    losers = [answer for answer in answers if not isinstance(answer, c.Ordered)]
    assert losers == [DirectExists(winner.conversation_id)] * 2


async def test_opening_again_is_answered_as_the_first_time(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await chen.publish()
    command, _ = await bela.opening(chen)
    assert await bela.ask(command) == await bela.ask(command)
    assert len((await chen.ask(c.ListWelcomes())).welcomes) == 1


async def test_a_direct_conversation_is_of_the_two_it_says(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    await chen.publish()
    await dora.publish()
    command, _ = await bela.opening(chen)
    with_other = msgspec.structs.replace(command, peer_id=dora.user_id)
    assert isinstance(await refusal(bela.ask(with_other)), CommitMismatch)
    with_self = msgspec.structs.replace(command, peer_id=bela.user_id)
    assert isinstance(await refusal(bela.ask(with_self)), CommitMismatch)
    without_welcome = msgspec.structs.replace(command, welcome=None)
    assert isinstance(await refusal(bela.ask(without_welcome)), CommitMismatch)
    assert isinstance(await refusal(dora.ask(command)), CommitMismatch), "the leaf is bela's"
    unwelcome = msgspec.structs.replace(command, welcome=b"come in")
    assert isinstance(await refusal(bela.ask(unwelcome)), Malformed)
    other, _ = await bela.opening(dora)
    mixed = msgspec.structs.replace(command, commit=other.commit)
    assert isinstance(await refusal(bela.ask(mixed)), CommitRefused)
    for person in (bela, chen, dora):
        assert (await person.ask(c.ListConversations())).conversations == [], "nothing is left"
    await bela.ask(command)


async def test_one_writes_to_oneself(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command, pending = await bela.opening(bela)
    welcomed = msgspec.structs.replace(command, welcome=(await _welcome_of(bela, chen)))
    assert isinstance(await refusal(bela.ask(welcomed)), CommitMismatch), "nobody was added"
    ordered = await bela.ask(command)
    assert await bela.ask(command) == ordered, "asked again, it is the same"
    bela.adopt(pending)
    notes = ordered.conversation_id
    said = await bela.send(notes)
    await bela.ask(bela.edit(notes, said))
    await bela.ask(bela.reaction(notes, said))
    assert len(await bela.log(notes)) == 4
    (found,) = (await bela.ask(c.ListConversations())).conversations
    assert found.peer == await bela.ask(c.GetUser(username=bela.username))
    assert await bela.ask(c.GetDirect(peer_id=bela.user_id)) == found
    again, _ = await bela.opening(bela)
    assert await refusal(bela.ask(again)) == DirectExists(notes)
    asked = c.ListEntries(conversation_id=notes)
    assert await refusal(chen.ask(asked)) == NotFound("conversation"), "they are nobody else's"


async def test_nobody_opens_the_notes_of_another(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await chen.publish()
    notes, _ = await bela.opening(bela)
    for_chen = msgspec.structs.replace(notes, peer_id=chen.user_id)
    assert isinstance(await refusal(bela.ask(for_chen)), CommitMismatch)
    assert isinstance(await refusal(chen.ask(notes)), CommitMismatch), "the leaf is bela's"
    assert (await chen.ask(c.ListConversations())).conversations == []
    await bela.ask(notes)


async def _welcome_of(maker: Person, peer: Person) -> bytes | None:
    await peer.publish()
    return (await maker.opening(peer))[0].welcome


async def test_a_third_person_finds_nothing(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    await chen.publish()
    opened = await bela.open_direct(chen)
    for asked in (
        c.GetConversation(conversation_id=opened),
        c.ListEntries(conversation_id=opened),
        c.GetGroupInfo(conversation_id=opened),
        c.ListCommits(conversation_id=opened),
    ):
        assert await refusal(dora.ask(asked)) == NotFound("conversation")
        await chen.ask(asked)
    for asked in (c.GetGroup(group_id=opened), c.ListMembers(group_id=opened)):
        assert await refusal(bela.ask(asked)) == NotFound("group"), "it is no group"
    asked = c.GetDirect(peer_id=chen.user_id)
    assert await refusal(dora.ask(asked)) == NotFound("conversation")


# --- blocks


async def test_who_is_blocked_opens_and_says_nothing(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    await chen.publish()
    opened = await bela.open_direct(chen)
    await chen.accept_welcomes()
    said = await bela.send(opened)
    prepared, _ = await dora.opening(chen)
    for person in (bela, dora):
        await chen.ask(c.BlockUser(user_id=person.user_id))
        await chen.ask(c.BlockUser(user_id=person.user_id))
    assert await refusal(bela.send(opened)) == Blocked()
    assert await refusal(bela.ask(bela.edit(opened, said))) == Blocked()
    assert await refusal(bela.ask(bela.reaction(opened, said))) == Blocked()
    assert await refusal(dora.ask(prepared)) == Blocked()
    asked = c.ClaimKeyPackages(user_id=chen.user_id)
    assert await refusal(dora.ask(asked)) == Blocked()
    await bela.send_commit(bela.update(opened))
    await chen.catch_up(opened)
    await chen.send(opened)
    await chen.ask(c.UnblockUser(user_id=bela.user_id))
    await bela.send(opened)


async def test_blocks_are_ones_own(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    for person in (chen, dora):
        await bela.ask(c.BlockUser(user_id=person.user_id))
    first = await bela.ask(c.ListBlocks(limit=1))
    rest = await bela.ask(c.ListBlocks(limit=1, after=first.blocks[0].user_id))
    assert (first.more, rest.more) == (True, False)
    found = {blocked.user_id: blocked.username for blocked in (*first.blocks, *rest.blocks)}
    assert found == {person.user_id: person.username for person in (chen, dora)}
    assert (await chen.ask(c.ListBlocks())).blocks == []
    assert isinstance(await refusal(bela.ask(c.BlockUser(user_id=bela.user_id))), Malformed)
    stranger = c.BlockUser(user_id=bela.device_id)
    assert await refusal(bela.ask(stranger)) == NotFound("user")
    await bela.ask(c.UnblockUser(user_id=chen.user_id))
    (left,) = (await bela.ask(c.ListBlocks())).blocks
    assert left.user_id == dora.user_id
