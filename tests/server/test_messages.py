"""The log: edits, deletions, pages and their hash chain."""

import asyncio
from typing import LiteralString, TypeVar
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import AsyncConnection

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.chain import next_link
from coterie.protocol.errors import EditStale, EpochStale, Forbidden, Malformed, NotFound, Taken
from coterie.protocol.header import EntryKind, Header, entry_hash
from coterie.protocol.roles import Role
from coterie.server.operations.access import Actor
from coterie.server.operations.entries import list_entries, list_new_entries
from coterie.server.storage.database import Tx
from coterie.server.storage.windows import Windows
from tests.server.client import NewPerson, Person, Said, group_of, refusal

T = TypeVar("T")

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def message(person: Person, group_id: object, said: Said) -> c.Entry:
    log = await person.log(group_id)  # type: ignore[arg-type]
    return next(entry for entry in log if entry.hash == said.hash)


# --- edits


async def test_of_a_message_the_original_and_its_newest_edit_are_kept(
    new_person: NewPerson,
) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    first, second = bela.edit(group_id, said, 1), bela.edit(group_id, said, 7)
    edited = await bela.ask(first)
    assert edited.message_id == said.accepted.message_id
    await bela.ask(second)
    original, *edits = await bela.log(group_id)
    assert original.content == said.entry
    assert [edit.content for edit in edits] == [None, second.entry]
    assert [edit.hash for edit in edits] == [entry_hash(first.entry), entry_hash(second.entry)]
    assert {edit.message_id for edit in edits} == {original.message_id}


async def test_the_number_of_an_edit_rises(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    await bela.ask(bela.edit(group_id, said, 3))
    for number in (1, 3):
        assert await refusal(bela.ask(bela.edit(group_id, said, number))) == EditStale(3)
    await bela.ask(bela.edit(group_id, said, 4))


async def test_nobody_edits_what_another_wrote(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    said = await chen.send(group_id)
    assert await refusal(bela.ask(bela.edit(group_id, said))) == Forbidden("edit_own")
    await chen.ask(chen.edit(group_id, said))


async def test_an_edit_sent_again_is_answered_as_the_first_time(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    edit = bela.edit(group_id, said)
    first = await bela.ask(edit)
    await bela.send_commit(bela.update(group_id))
    assert await bela.ask(edit) == first, "even in a later epoch"
    assert len(await bela.log(group_id)) == 3


# --- deletions


async def test_a_deletion_leaves_a_tombstone_and_destroys_the_rest(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    await bela.ask(bela.edit(group_id, said))
    await bela.ask(bela.reaction(group_id, said))
    deletion = bela.deletion(group_id, said)
    deleted = await bela.ask(deletion)
    assert deleted.message_id == said.accepted.message_id
    log = await bela.log(group_id)
    assert [entry.content for entry in log] == [None, None, None, deletion.entry]
    assert log[0].hash == said.hash, "the chain still stands"


async def test_what_is_deleted_is_found_by_nobody(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    deletion = bela.deletion(group_id, said)
    first = await bela.ask(deletion)
    assert await bela.ask(deletion) == first, "the same entry again"
    for command in (
        bela.deletion(group_id, said),
        bela.edit(group_id, said),
        bela.reaction(group_id, said),
    ):
        assert await refusal(bela.ask(command)) == NotFound("message")


async def test_others_messages_are_deleted_by_rank(new_person: NewPerson) -> None:
    bela, chen, dora, eli = [await new_person(n) for n in ("bela", "chen", "dora", "eli")]
    group_id = await group_of(
        bela, (chen, Role.MODERATOR), (dora, Role.MODERATOR), (eli, Role.MEMBER)
    )
    forbidden = Forbidden("delete_others")
    for by, author in ((eli, chen), (chen, dora), (chen, bela), (eli, bela)):
        said = await author.send(group_id)
        assert await refusal(by.ask(by.deletion(group_id, said))) == forbidden, (by, author)
    for by, author in ((chen, eli), (bela, chen), (eli, eli)):
        said = await author.send(group_id)
        await by.ask(by.deletion(group_id, said))


async def test_an_author_who_has_gone_ranks_below_everybody(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(n) for n in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.ADMIN))
    said = await dora.send(group_id)
    await bela.send_commit(bela.kick(group_id, dora))
    await chen.catch_up(group_id)
    await chen.ask(chen.deletion(group_id, said))


# --- headers


async def test_a_header_names_this_conversation_this_device_and_this_kind(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    other_id = await bela.create_group()
    said = await bela.send(group_id)
    good = bela.edit(group_id, said)
    header = Header.decode(good.entry)
    body = good.entry[len(header.encode()) :]
    for false in (
        msgspec.structs.replace(header, conversation_id=other_id),
        msgspec.structs.replace(header, device_id=chen.device_id),
        msgspec.structs.replace(header, kind=EntryKind.DELETION),
    ):
        command = msgspec.structs.replace(good, entry=false.encode() + body)
        assert isinstance(await refusal(bela.ask(command)), Malformed)
    unknown_version = msgspec.structs.replace(good, entry=b"\x09" + good.entry[1:])
    assert isinstance(await refusal(bela.ask(unknown_version)), Malformed)
    await bela.ask(good)


async def test_an_entry_is_of_the_epoch_it_arrives_in(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    commands = (
        bela.edit(group_id, said),
        bela.deletion(group_id, said),
        bela.reaction(group_id, said),
    )
    await bela.send_commit(bela.update(group_id))
    for command in commands:
        assert await refusal(bela.ask(command)) == EpochStale(1)


async def test_a_target_in_another_conversation_is_not_found(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id, other_id = await bela.create_group(), await bela.create_group()
    elsewhere = await bela.send(other_id)
    for command in (
        bela.edit(group_id, elsewhere),
        bela.deletion(group_id, elsewhere),
        bela.reaction(group_id, elsewhere),
    ):
        assert await refusal(bela.ask(command)) == NotFound("message")


async def test_what_was_said_before_one_joined_is_not_found(new_person: NewPerson) -> None:
    """The hash may have come from anybody; what one cannot read one cannot change, by no rank."""
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    earlier = await bela.send(group_id)
    await chen.join(await bela.invite(group_id))
    await bela.catch_up(group_id)
    await bela.send_commit(bela.role_change(group_id, chen, Role.ADMIN))
    await bela.send_commit(bela.handover(group_id, chen))
    await chen.catch_up(group_id)
    for command in (
        chen.reaction(group_id, earlier),
        chen.deletion(group_id, earlier),
        chen.edit(group_id, earlier),
    ):
        assert await refusal(chen.ask(command)) == NotFound("message")
    later = await bela.send(group_id)
    await chen.ask(chen.reaction(group_id, later))
    await chen.ask(chen.deletion(group_id, later))
    await bela.ask(bela.reaction(group_id, earlier))


async def test_ones_own_words_stay_ones_own_after_a_return(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    said = await chen.send(group_id)
    await bela.send_commit(bela.kick(group_id, chen))
    await chen.join(await bela.invite(group_id))
    await chen.ask(chen.edit(group_id, said))
    await chen.ask(chen.deletion(group_id, said))


async def test_a_client_id_names_one_entry(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id, other_id = await bela.create_group(), await bela.create_group()
    said, elsewhere = await bela.send(group_id), await bela.send(other_id)
    edit = bela.edit(group_id, said)
    await bela.ask(edit)
    used = Header.decode(edit.entry).client_id
    header = Header(other_id, 0, bela.device_id, used, EntryKind.EDIT, elsewhere.hash)
    again = c.EditMessage(conversation_id=other_id, entry=header.encode() + bytes(300), edit_no=1)
    assert await refusal(bela.ask(again)) == Taken("client_id")


async def test_a_repetition_is_answered_by_its_kind(new_person: NewPerson) -> None:
    """Messages and edits are kept apart: what shares an id is still two entries, each itself."""
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    header = Header.decode(said.entry)
    edited = msgspec.structs.replace(header, kind=EntryKind.EDIT, target=said.hash)
    edit = c.EditMessage(
        conversation_id=group_id,
        entry=edited.encode() + said.entry[len(header.encode()) :],
        edit_no=1,
    )
    send = c.SendMessage(conversation_id=group_id, entry=said.entry)
    first = await bela.ask(edit)
    assert (said.accepted.seq, first.seq) == (1, 2)
    assert await bela.ask(edit) == first
    assert await bela.ask(send) == said.accepted
    assert len(await bela.log(group_id)) == 2


# --- pages


async def test_a_log_is_read_page_by_page_along_its_chain(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    for number in range(1, 7):
        await bela.ask(bela.edit(group_id, said, number))
    first = await bela.ask(c.ListEntries(conversation_id=group_id, limit=1))
    chain, seen, more = first.chain, 1, first.more
    while more:
        page = await bela.ask(c.ListEntries(conversation_id=group_id, after=seen, limit=4))
        for entry in page.entries:
            chain, seen = next_link(chain, entry.seq, entry.hash), entry.seq
        assert page.chain == chain, "the page ends where the chain says"
        more = page.more
    assert seen == 7
    beyond = await bela.ask(c.ListEntries(conversation_id=group_id, after=seen))
    assert (beyond.entries, beyond.chain) == ([], chain)


async def test_a_page_has_a_limit_in_bytes(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    heavy = limits.ENTRY_BYTES - 200
    count = limits.PAGE_BYTES // heavy + 5
    entries = [bela.sealed(group_id, EntryKind.MESSAGE)[:90] + bytes(heavy) for _ in range(count)]
    await asyncio.gather(
        *(bela.ask(c.SendMessage(conversation_id=group_id, entry=entry)) for entry in entries)
    )
    page = await bela.ask(c.ListEntries(conversation_id=group_id))
    assert page.more
    assert 0 < len(page.entries) < count
    assert sum(len(entry.content or b"") for entry in page.entries) <= limits.PAGE_BYTES
    rest = await bela.ask(c.ListEntries(conversation_id=group_id, after=page.entries[-1].seq))
    assert len(page.entries) + len(rest.entries) == count


async def test_the_number_of_queries_does_not_grow_with_the_page(
    new_person: NewPerson, module_database_url: str
) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    said = await bela.send(group_id)
    for number in range(1, 30):
        await bela.ask(bela.edit(group_id, said, number))
    actor = Actor(bela.user_id, bela.device_id, b"")

    async def queries(limit: int) -> int:
        async with await AsyncConnection.connect(module_database_url) as connection:
            tx = CountingTx(connection, Windows())
            asked = c.ListEntries(conversation_id=group_id, limit=limit)
            assert len((await list_entries(tx, actor, asked)).entries) == limit
            return tx.count

    assert await queries(2) == await queries(30) == 2, "where one stands, and the page"


# --- several at once


async def told_of(person: Person, *cursors: tuple[UUID, int], limit: int = 10) -> c.NewEntries:
    asked = [c.ReadCursor(conversation_id=of, after=after) for of, after in cursors]
    return await person.ask(c.ListNewEntries(cursors=asked, limit=limit))


async def ask_for(person: Person, *cursors: tuple[UUID, int], limit: int = 10) -> list[c.NewPage]:
    return (await told_of(person, *cursors, limit=limit)).pages


def as_one(page: c.NewPage) -> c.Entries:
    return c.Entries(entries=page.entries, chain=page.chain, more=page.more)


async def test_of_several_logs_each_page_is_as_by_itself(new_person: NewPerson) -> None:
    bela, mallory = await new_person("bela"), await new_person("mallory")
    one, other, read = [await bela.create_group() for _ in range(3)]
    theirs = await mallory.create_group()
    for group_id in (one, one, one, other, read):
        await bela.send(group_id)
    await mallory.send(theirs)
    cursors = (other, 0), (theirs, 0), (one, 1), (uuid4(), 0), (read, 1)
    pages = await ask_for(bela, *cursors, limit=1)
    assert [page.conversation_id for page in pages] == [other, one], "in the order asked for"
    for page, after in zip(pages, (0, 1), strict=True):
        alone = c.ListEntries(conversation_id=page.conversation_id, after=after, limit=1)
        assert as_one(page) == await bela.ask(alone)
    assert [page.more for page in pages] == [False, True]
    assert await ask_for(mallory, (one, 0), (other, 0), (read, 0)) == []


async def test_who_came_later_sees_no_more_of_them_either(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    await bela.send(group_id)
    await chen.join(await bela.invite(group_id))
    (page,) = await ask_for(chen, (group_id, 0))
    assert as_one(page) == await chen.ask(c.ListEntries(conversation_id=group_id))


async def test_together_they_have_the_limit_of_a_page(new_person: NewPerson) -> None:
    """Nothing is lost by it: what had no room is there when one asks on."""
    bela = await new_person("bela")
    cursors = {await bela.create_group(): 0 for _ in range(3)}
    heavy, count = limits.ENTRY_BYTES - 200, limits.PAGE_BYTES // limits.ENTRY_BYTES // 2
    for group_id in cursors:
        for _ in range(count):
            entry = bela.sealed(group_id, EntryKind.MESSAGE)[:90] + bytes(heavy)
            await bela.ask(c.SendMessage(conversation_id=group_id, entry=entry))
    rounds = 0
    while pages := await ask_for(bela, *cursors.items(), limit=count):
        rounds += 1
        left = {one for one, cursor in cursors.items() if cursor < count}
        assert (await told_of(bela, *cursors.items(), limit=count)).full == (
            left > {page.conversation_id for page in pages}
        ), "it says so where it has no room for one"
        content = [entry.content or b"" for page in pages for entry in page.entries]
        assert sum(map(len, content)) <= limits.PAGE_BYTES
        for page in pages:
            begin = cursors[page.conversation_id] + 1
            seqs = [entry.seq for entry in page.entries]
            assert seqs == list(range(begin, begin + len(seqs)))
            cursors[page.conversation_id] = seqs[-1]
    assert rounds > 1
    assert set(cursors.values()) == {count}


async def test_a_hundred_logs_need_no_more_queries_than_one(
    new_person: NewPerson, module_database_url: str
) -> None:
    bela = await new_person("bela")
    group_ids = [await bela.create_group() for _ in range(5)]
    for group_id in group_ids:
        await bela.send(group_id)
    actor = Actor(bela.user_id, bela.device_id, b"")

    async def queries(count: int) -> int:
        async with await AsyncConnection.connect(module_database_url) as connection:
            tx = CountingTx(connection, Windows())
            cursors = [c.ReadCursor(conversation_id=one) for one in group_ids[:count]]
            told = await list_new_entries(tx, actor, c.ListNewEntries(cursors=cursors))
            assert len(told.pages) == count
            return tx.count

    assert await queries(1) == await queries(5) == 2, "where one stands, and the pages"


async def test_so_many_at_once_and_no_more(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    many = [(uuid4(), 0) for _ in range(limits.PAGE_CURSORS)]
    assert await ask_for(bela, *many) == []
    for cursors in ([], [*many, (uuid4(), 0)]):
        assert isinstance(await refusal(ask_for(bela, *cursors)), Malformed)


class CountingTx(Tx):
    """A transaction that counts its statements."""

    count = 0

    async def one(self, kind: type[T], sql: LiteralString, *values: object) -> T | None:
        self.count += 1
        return await super().one(kind, sql, *values)

    async def all(self, kind: type[T], sql: LiteralString, *values: object) -> list[T]:
        self.count += 1
        return await super().all(kind, sql, *values)

    async def value(self, kind: type[T], sql: LiteralString, *values: object) -> T | None:
        self.count += 1
        return await super().value(kind, sql, *values)

    async def run(self, sql: LiteralString, *values: object) -> int:
        self.count += 1
        return await super().run(sql, *values)


async def test_a_stranger_reads_nothing(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    await bela.send(group_id)
    for conversation_id in (group_id, uuid4()):
        asked = c.ListEntries(conversation_id=conversation_id)
        assert await refusal(chen.ask(asked)) == NotFound("conversation")
