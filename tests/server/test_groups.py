"""Groups through HTTP, on a real port and a real PostgreSQL."""

import asyncio
from typing import LiteralString
from uuid import uuid4

import msgspec
import pytest
from psycopg import AsyncConnection

from coterie.governance import makers
from coterie.governance.anchors import anchor_of
from coterie.governance.leaves import context_extensions
from coterie.mls import Group
from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.chain import first_link
from coterie.protocol.errors import (
    CommitMismatch,
    CommitRefused,
    Forbidden,
    Malformed,
    NotFound,
    Refusal,
    Taken,
    TooLarge,
)
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import History, Inviters, Role
from tests.server.client import MLS_SUITE, NewPerson, group_of, outcome, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_group_from_its_creation_to_its_first_message(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group("Garden")
    link = await bela.invite(group_id, max_uses=2)
    joined = await chen.join(link)
    said = await chen.send(group_id)
    await bela.catch_up(group_id)
    answer = await bela.send(group_id, reply_to=said)
    log = await bela.log(group_id)
    kinds = [EntryKind.COMMIT, EntryKind.COMMIT, EntryKind.MESSAGE, EntryKind.MESSAGE]
    assert [entry.kind for entry in log] == kinds
    assert log[2].content == said.entry
    assert [entry.seq for entry in log] == [1, 2, 3, 4]
    assert [entry.seq for entry in await chen.log(group_id)] == [joined.seq, 3, 4]
    assert answer.accepted.message_id == log[3].message_id


# --- making


async def test_a_new_group_has_its_maker_as_owner_and_an_empty_log(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    command, group = await bela.creation("Garden", description="What grows")
    made = await bela.ask(command)
    genesis = (await bela.ask(c.GetAnchor(conversation_id=command.group_id))).group_context
    assert (made.seq, made.epoch) == (0, 0)
    assert genesis == group.public.context.encoded, "epoch 0 can be verified from"
    found = await bela.ask(c.GetGroup(group_id=command.group_id))
    assert (found.name, found.description, found.role) == ("Garden", "What grows", Role.OWNER)
    assert (found.owner_id, found.members, found.epoch) == (bela.user_id, 1, 0)
    page = await bela.ask(c.ListEntries(conversation_id=command.group_id))
    assert page.entries == []
    assert page.chain == made.chain_before, "the chain begins where the answer said"


async def test_the_chain_begins_with_the_genesis(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    genesis = bela.state(group_id).genesis
    page = await bela.ask(c.ListEntries(conversation_id=group_id))
    assert page.chain == first_link(group_id, genesis)


async def test_the_same_request_again_makes_the_same_group(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    command, _ = await bela.creation()
    answers = await asyncio.gather(*(bela.ask(command) for _ in range(3)))
    assert answers == [await bela.ask(command)] * 3
    page = await bela.ask(c.ListConversations())
    assert [one.conversation_id for one in page.conversations] == [command.group_id]


async def test_an_id_that_exists_is_not_given_to_another_group(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command, _ = await bela.creation()
    await bela.ask(command)
    state = makers.first_state(bytes(32), await chen.server_key(), chen.key, "Garden")
    other = Group.create(
        MLS_SUITE, command.group_id.bytes, chen.package(), context_extensions(state)
    )
    claim = msgspec.structs.replace(
        command, anchor=anchor_of(other.public), group_info=other.group_info(with_tree=False)
    )
    assert await refusal(chen.ask(claim)) == Taken("group_id")


async def test_what_does_not_belong_together_makes_no_group(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command, _ = await bela.creation("Garden")
    other, _ = await bela.creation("Garden")
    renamed = msgspec.structs.replace(command, name="Orchard")
    assert isinstance(await refusal(bela.ask(renamed)), CommitMismatch), "the state says Garden"
    moved = msgspec.structs.replace(command, group_id=uuid4())
    assert isinstance(await refusal(bela.ask(moved)), CommitMismatch), "the anchor has another id"
    borrowed = msgspec.structs.replace(command, group_info=other.group_info)
    assert isinstance(await refusal(bela.ask(borrowed)), CommitRefused), "of another group"
    assert isinstance(await refusal(chen.ask(command)), CommitMismatch), "the leaf is bela's"


async def test_a_new_group_is_small(new_person: NewPerson) -> None:
    """What is large takes long to verify: it is refused unread."""
    bela = await new_person("bela")
    command, _ = await bela.creation()
    most = limits.NEW_ANCHOR_BYTES
    anchor = command.anchor
    assert len(anchor.group_context) + len(anchor.ratchet_tree) < most / 10
    for size, kind in ((most - len(anchor.group_context), CommitRefused), (most, TooLarge)):
        large = msgspec.structs.replace(anchor, ratchet_tree=bytes(size))
        refused = await refusal(bela.ask(msgspec.structs.replace(command, anchor=large)))
        assert isinstance(refused, kind), size
    await bela.ask(command)


async def test_a_group_of_another_server_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    state = makers.first_state(bytes(32), bela.key, bela.key, "Garden")
    group_id = uuid4()
    group = Group.create(MLS_SUITE, group_id.bytes, bela.package(), context_extensions(state))
    command = c.CreateGroup(
        group_id=group_id,
        name="Garden",
        anchor=anchor_of(group.public),
        group_info=group.group_info(with_tree=False),
    )
    refused = await refusal(bela.ask(command))
    assert isinstance(refused, CommitRefused)
    assert refused.rule == "genesis.server"


# --- looking


async def test_a_stranger_finds_no_group(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    assert await refusal(chen.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
    assert await refusal(chen.ask(c.GetGroup(group_id=uuid4()))) == NotFound("group")
    assert (await bela.ask(c.GetGroup(group_id=group_id))).group_id == group_id


async def test_conversations_are_listed_page_by_page(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    made = {await bela.create_group() for _ in range(3)}
    first = await bela.ask(c.ListConversations(limit=2))
    after = first.conversations[-1].conversation_id
    rest = await bela.ask(c.ListConversations(limit=2, after=after))
    assert (first.more, rest.more) == (True, False)
    listed = [one.conversation_id for one in (*first.conversations, *rest.conversations)]
    assert set(listed) == made
    assert len(listed) == 3, "each of them once"


# --- changing


async def test_name_and_settings_change_with_the_signed_state(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group("Garden")
    change = bela.change(
        group_id, name="Orchard", history=History.ALL, inviters=Inviters.MEMBERS, description="Old"
    )
    await bela.send_commit(change)
    found = await bela.ask(c.GetGroup(group_id=group_id))
    assert (found.name, found.description) == ("Orchard", "Old")
    assert (found.history, found.inviters, found.epoch) == (History.ALL, Inviters.MEMBERS, 1)


async def test_a_description_needs_no_commit(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    await bela.ask(c.UpdateGroup(group_id=group_id, description="What grows"))
    found = await bela.ask(c.GetGroup(group_id=group_id))
    assert (found.description, found.epoch) == ("What grows", 0)


async def test_a_name_without_its_commit_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group("Garden")
    refused = await refusal(bela.ask(c.UpdateGroup(group_id=group_id, name="Orchard")))
    assert isinstance(refused, Malformed)


async def test_the_commit_changes_what_the_command_says(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group("Garden")
    change = bela.change(group_id, name="Orchard")
    assert isinstance(change.command, c.UpdateGroup)
    for lie in (
        msgspec.structs.replace(change.command, name="Meadow"),
        msgspec.structs.replace(change.command, name=None),
        msgspec.structs.replace(change.command, inviters=Inviters.MEMBERS),
    ):
        assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    await bela.send_commit(change)
    assert (await bela.ask(c.GetGroup(group_id=group_id))).name == "Orchard"


async def test_who_may_change_what(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.MODERATOR))
    describe = c.UpdateGroup(group_id=group_id, description="x")
    assert await refusal(dora.ask(describe)) == Forbidden("update_group")
    rename = dora.change(group_id, name="Orchard")
    assert await refusal(dora.ask(rename.command)) == Forbidden("update_group")
    settle = chen.change(group_id, inviters=Inviters.MEMBERS)
    assert await refusal(chen.ask(settle.command)) == Forbidden("set_policy")
    await chen.ask(describe)
    await chen.send_commit(chen.change(group_id, name="Orchard"))


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("UPDATE group_members SET role = 'member' WHERE user_id = %s", Forbidden("update_group")),
        ("DELETE FROM group_members WHERE user_id = %s", NotFound("group")),
    ],
)
async def test_who_loses_the_right_while_the_lock_is_held_describes_nothing(
    new_person: NewPerson,
    module_database_url: str,
    change: LiteralString,
    refused: Refusal,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.ADMIN))
    describe = c.UpdateGroup(group_id=group_id, description="Chen was here")
    async with await AsyncConnection.connect(module_database_url) as connection:
        await connection.execute(
            "SELECT FROM conversations WHERE id = %s FOR NO KEY UPDATE", [group_id]
        )
        await connection.execute(change, [chen.user_id])
        describing = asyncio.create_task(outcome(chen.ask(describe)))
        await until_it_waits(describing, module_database_url)
    assert await describing == refused
    assert (await bela.ask(c.GetGroup(group_id=group_id))).description is None


async def until_it_waits(asking: asyncio.Task[object], url: str) -> None:
    """For a lock; or until it is answered without one."""
    waiting = """SELECT 1 FROM pg_stat_activity
                 WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        while not asking.done() and not await (await connection.execute(waiting)).fetchone():
            pass


# --- deleting


async def test_deleting_takes_the_group_from_everybody(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.ADMIN))
    await bela.send(group_id)
    assert await refusal(chen.ask(c.DeleteGroup(group_id=group_id, name="Garden"))) == Forbidden(
        "delete_group"
    )
    wrong = c.DeleteGroup(group_id=group_id, name="garden")
    assert isinstance(await refusal(bela.ask(wrong)), Malformed)
    await bela.ask(c.DeleteGroup(group_id=group_id, name="Garden"))
    for person in (bela, chen):
        assert await refusal(person.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
        assert (await person.ask(c.ListConversations())).conversations == []
