"""Reactions: set, taken back, counted, limited."""

import asyncio

import msgspec
import psycopg
import pytest

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.errors import CounterStale, LimitReached, Malformed
from coterie.protocol.header import ReactionOp
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, group_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


def rows(database: psycopg.Connection, message_id: int) -> list[tuple[str, int]]:
    return database.execute(
        "SELECT emoji, counter FROM reactions WHERE message_id = %s ORDER BY emoji", [message_id]
    ).fetchall()


async def test_a_reaction_is_a_row_until_it_is_taken_back(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    said = await chen.send(group_id)
    message_id = said.accepted.message_id
    added = await bela.ask(bela.reaction(group_id, said, counter=1))
    assert added.message_id == message_id
    assert rows(database, message_id) == [("t" * 32, 1)]
    await bela.ask(bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=2))
    assert rows(database, message_id) == []
    await bela.ask(bela.reaction(group_id, said, counter=3))
    assert rows(database, message_id) == [("t" * 32, 3)]
    log = await bela.log(group_id)
    assert [entry.message_id for entry in log[-3:]] == [message_id] * 3


async def test_repeating_the_present_state_writes_nothing(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    never = await bela.ask(bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=1))
    assert never == said.accepted, "nothing was there, and nothing is"
    added = await bela.ask(bela.reaction(group_id, said, counter=1))
    for counter in (1, 2, 9):
        assert await bela.ask(bela.reaction(group_id, said, counter=counter)) == added
    removed = await bela.ask(bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=2))
    again = await bela.ask(bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=5))
    assert again == removed
    assert len(await bela.log(group_id)) == 3


async def test_the_counter_rises_over_removals(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    await bela.ask(bela.reaction(group_id, said, counter=5))
    remove = bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=5)
    assert await refusal(bela.ask(remove)) == CounterStale(5)
    await bela.ask(bela.reaction(group_id, said, op=ReactionOp.REMOVE, counter=6))
    played_again = bela.reaction(group_id, said, counter=5)
    assert await refusal(bela.ask(played_again)) == CounterStale(6)


async def test_at_most_twenty_to_a_message_even_at_once(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    most = limits.REACTIONS_PER_USER_AND_MESSAGE
    commands = [bela.reaction(group_id, said, f"{number:032d}") for number in range(most + 8)]
    asked = [bela.ask(command) for command in commands]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, c.Accepted) for answer in answers) == most
    assert len(rows(database, said.accepted.message_id)) == most
    more = bela.reaction(group_id, said, "x" * 32)
    assert await refusal(bela.ask(more)) == LimitReached("reactions to one message", most)


async def test_a_reaction_of_another_form_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    good = bela.reaction(group_id, said)
    for entry in (
        good.entry + b"x",
        good.entry[:-1],
        bela.reaction(group_id, said, "t" * 31 + "!").entry,
        good.entry[:122] + b"\x07" + good.entry[123:],
    ):
        command = msgspec.structs.replace(good, entry=entry)
        assert isinstance(await refusal(bela.ask(command)), Malformed)
    await bela.ask(good)


async def test_a_counter_beyond_what_can_be_kept_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    huge = bela.reaction(group_id, said, counter=2**64 - 1)
    assert isinstance(await refusal(bela.ask(huge)), Malformed)
