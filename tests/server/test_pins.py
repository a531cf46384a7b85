"""Pins: who may, how many, and that the newest number counts."""

import asyncio

import pytest

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.commands import Act
from coterie.protocol.errors import (
    Blocked,
    CounterStale,
    EpochStale,
    Forbidden,
    LimitReached,
    Malformed,
    NotFound,
)
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, group_of, outcome, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_pin_is_an_entry_that_everybody_gets(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    said = await dora.send(group_id)
    pin = chen.pin(group_id, said)
    answer = await chen.ask(pin)
    assert answer.message_id == said.accepted.message_id
    entry = (await dora.log(group_id))[-1]
    assert (entry.kind, entry.content, entry.seq) == (EntryKind.PIN, pin.entry, answer.seq)
    assert entry.message_id == said.accepted.message_id
    assert await chen.ask(pin) == answer, "sent again, it is the same pin"
    again = chen.pin(group_id, said, pin_no=2)
    assert (await chen.ask(again)).seq == answer.seq, "what is pinned stays so, without an entry"
    await bela.ask(bela.pin(group_id, said, pin_no=2, pinned=False))
    listed = (await bela.ask(c.ListAudit(group_id=group_id, limit=2))).entries
    done = [(one.act, one.actor_id, one.target_id, one.message_id) for one in listed]
    about = dora.user_id, said.accepted.message_id
    assert done == [(Act.UNPIN, bela.user_id, *about), (Act.PIN, chen.user_id, *about)]


async def test_members_pin_nothing_in_a_group(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    said = await chen.send(group_id)
    for pinned in (True, False):
        refused = await refusal(chen.ask(chen.pin(group_id, said, pinned=pinned)))
        assert refused == Forbidden("pin")
    await bela.ask(bela.pin(group_id, said))


async def test_both_pin_in_a_direct_conversation(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    await chen.publish()
    direct = await bela.open_direct(chen)
    await chen.accept_welcomes()
    said = await bela.send(direct)
    await chen.ask(chen.pin(direct, said))
    await bela.ask(bela.pin(direct, said, pin_no=2, pinned=False))
    dora.groups[direct] = bela.groups[direct]
    assert await refusal(dora.ask(dora.pin(direct, said, pin_no=3))) == NotFound("conversation")
    await chen.ask(c.BlockUser(user_id=bela.user_id))
    assert await refusal(bela.ask(bela.pin(direct, said, pin_no=3))) == Blocked()


async def test_the_number_rises(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    await bela.ask(bela.pin(group_id, said, pin_no=3))
    for number in (1, 3):
        refused = await refusal(bela.ask(bela.pin(group_id, said, pin_no=number, pinned=False)))
        assert refused == CounterStale(3)
    await bela.ask(bela.pin(group_id, said, pin_no=4, pinned=False))
    assert await refusal(bela.ask(bela.pin(group_id, said, pin_no=4))) == CounterStale(4)
    await bela.ask(bela.pin(group_id, said, pin_no=5))


async def test_there_are_so_many_pins_and_no_more(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    most = limits.PINS_PER_CONVERSATION
    said = [await bela.send(group_id) for _ in range(most + 8)]
    for message in said[: most - 1]:
        await bela.ask(bela.pin(group_id, message))
    racing = [bela.ask(bela.pin(group_id, message)) for message in said[most:]]
    answers = await asyncio.gather(*map(outcome, racing))
    full = LimitReached("pinned messages", most)
    assert sorted(answer == full for answer in answers) == [False] + [True] * 7, "exactly one more"
    late = bela.pin(group_id, said[most - 1])
    assert await refusal(bela.ask(late)) == full
    await bela.ask(bela.pin(group_id, said[0], pin_no=2, pinned=False))
    await bela.ask(late)
    assert await refusal(bela.ask(bela.pin(group_id, said[0], pin_no=3))) == full
    await bela.ask(bela.deletion(group_id, said[1]))
    await bela.ask(bela.pin(group_id, said[0], pin_no=3))


async def test_what_is_not_there_is_not_pinned(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id, other = await bela.create_group(), await bela.create_group()
    said, elsewhere = await bela.send(group_id), await bela.send(other)
    assert await refusal(bela.ask(bela.pin(group_id, elsewhere))) == NotFound("message")
    stale = bela.pin(group_id, said)
    await chen.join(await bela.invite(group_id))
    await bela.catch_up(group_id)
    assert isinstance(await refusal(bela.ask(stale)), EpochStale)
    await bela.send_commit(bela.role_change(group_id, chen, Role.MODERATOR))
    await chen.catch_up(group_id)
    unseen = await refusal(chen.ask(chen.pin(group_id, said)))
    assert unseen == NotFound("message"), "from before chen came"
    await bela.ask(bela.pin(group_id, said))
    await bela.ask(bela.deletion(group_id, said))
    unpin = bela.pin(group_id, said, pin_no=2, pinned=False)
    assert await refusal(bela.ask(unpin)) == NotFound("message")


async def test_an_entry_of_another_kind_is_no_pin(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    entry = bela.deletion(group_id, said).entry
    command = c.PinMessage(conversation_id=group_id, entry=entry, pin_no=1, pinned=True)
    assert isinstance(await refusal(bela.ask(command)), Malformed)
    await bela.ask(bela.pin(group_id, said))
