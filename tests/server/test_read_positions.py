"""How far people have read: outside the log, and for their own devices alone."""

import asyncio
from uuid import UUID

import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import NotFound
from coterie.protocol.limits import LARGEST_NUMBER
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, Person, group_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def position(person: Person, group: UUID) -> int:
    (listed,) = (await person.ask(c.ListConversations())).conversations
    assert await person.ask(c.GetConversation(conversation_id=group)) == listed
    return listed.read_seq


async def test_a_position_moves_on_within_the_log_and_never_back(new_person: NewPerson) -> None:
    alice, bela = await new_person("alice"), await new_person("bela")
    group = await group_of(alice, (bela, Role.MEMBER))
    first = (await alice.log(group))[-1].seq
    for _ in range(5):
        await alice.send(group)

    assert await position(alice, group) == 0
    for seq, expected in ((3, 3), (2, 3), (4, 4), (LARGEST_NUMBER, first + 5)):
        await alice.ask(c.MarkRead(conversation_id=group, seq=seq))
        assert await position(alice, group) == expected
    assert await position(bela, group) == 0, "everybody has their own"
    assert len(await alice.log(group)) == first + 5, "reading is no entry"


async def test_positions_marked_at_once_end_at_the_furthest(new_person: NewPerson) -> None:
    alice = await new_person("alice")
    group = await group_of(alice)
    for _ in range(20):
        await alice.send(group)
    marks = [c.MarkRead(conversation_id=group, seq=seq) for seq in (*range(20, 0, -1), 20)]

    await asyncio.gather(*map(alice.ask, marks))

    assert await position(alice, group) == 20


async def test_a_group_that_is_being_deleted_answers_not_found(new_person: NewPerson) -> None:
    alice, bela = await new_person("alice"), await new_person("bela")
    group = await group_of(alice, (bela, Role.MEMBER))
    mark = c.MarkRead(conversation_id=group, seq=1)
    deletion = c.DeleteGroup(
        group_id=group, name=(await alice.ask(c.GetGroup(group_id=group))).name
    )

    answers = await asyncio.gather(
        alice.ask(deletion), *(bela.ask(mark) for _ in range(8)), return_exceptions=True
    )

    assert answers[0] == c.Done()
    assert await refusal(bela.ask(mark)) == NotFound("conversation")
    assert all(answer == c.Done() or _is_not_found(answer) for answer in answers), answers


def _is_not_found(answer: object) -> bool:
    return isinstance(getattr(answer, "refusal", None), NotFound)
