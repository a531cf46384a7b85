"""To whoever is not in it, a group does not exist: a stranger, somebody banned, somebody gone."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from coterie.protocol import commands as c
from coterie.protocol.api import API
from coterie.protocol.errors import NotFound
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Role
from tests.server.client import Link, Person, Said, group_of, outcome, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Village(NamedTuple):
    group_id: UUID
    owner: Person
    member: Person
    outsiders: dict[str, Person]
    link: Link
    said: Said


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def village(http: ClientSession) -> AsyncIterator[Village]:
    """A group, and people who are not in it, or no longer."""

    async def new(name: str) -> Person:
        return await Person(http, name).sign_up()

    owner, member, stranger = [await new(name) for name in ("owner", "member", "stranger")]
    banned, kicked, left = [await new(name) for name in ("banned", "kicked", "left")]
    group_id = await group_of(
        owner, *((person, Role.MEMBER) for person in (member, banned, kicked, left))
    )
    await owner.send_commit(owner.ban(group_id, banned))
    await owner.send_commit(owner.kick(group_id, kicked))
    await left.catch_up(group_id)
    departure = left.departure(group_id)
    await left.ask(departure)
    await owner.send_commit(owner.removal_of(group_id, left, departure.statement))
    link = await owner.invite(group_id)
    said = await owner.send(group_id)
    outsiders = {"stranger": stranger, "banned": banned, "kicked": kicked, "left": left}
    yield Village(group_id, owner, member, outsiders, link, said)


def commands(village: Village, by: Person) -> list[c.Command]:
    """Each command on the group or its conversation, as `by` could send it."""
    group_id, other = village.group_id, village.member.user_id
    commit = packed(village.owner.commit(group_id))
    owner = village.owner
    header = owner.header(group_id, EntryKind.EDIT, village.said.hash)

    def entry(kind: EntryKind) -> bytes:
        changed = type(header)(
            group_id, header.epoch, by.device_id, uuid4(), kind, village.said.hash
        )
        return changed.encode() + bytes(105)

    by_conversation: list[c.Command] = [
        c.GetConversation(conversation_id=group_id),
        c.ListEntries(conversation_id=group_id),
        c.MarkRead(conversation_id=group_id, seq=1),
        c.ShowTyping(conversation_id=group_id),
        c.GetAnchor(conversation_id=group_id),
        c.ListCommits(conversation_id=group_id),
        c.AdvanceEpoch(conversation_id=group_id, commit=commit),
        c.GetGroupInfo(conversation_id=group_id),
        c.PublishGroupInfo(
            conversation_id=group_id, epoch=commit.epoch, group_info=commit.group_info
        ),
        c.SendMessage(conversation_id=group_id, entry=entry(EntryKind.MESSAGE)),
        c.EditMessage(conversation_id=group_id, entry=entry(EntryKind.EDIT), edit_no=1),
        c.DeleteMessage(conversation_id=group_id, entry=entry(EntryKind.DELETION)),
        c.ReactToMessage(
            conversation_id=group_id,
            entry=entry(EntryKind.REACTION)[:90] + b"t" * 32 + b"\1" + bytes(72),
        ),
        c.PinMessage(conversation_id=group_id, entry=entry(EntryKind.PIN), pin_no=1, pinned=True),
        c.ReserveFile(
            conversation_id=group_id,
            file_id=uuid4(),
            filename="A",
            size_bytes=1,
            encryption_header=bytes(24),
        ),
    ]
    by_group: list[c.Command] = [
        c.GetGroup(group_id=group_id),
        c.UpdateGroup(group_id=group_id, description="x"),
        c.UpdateGroup(group_id=group_id, name="x", commit=commit),
        c.DeleteGroup(group_id=group_id, name="Garden"),
        c.ListMembers(group_id=group_id),
        c.SetRole(group_id=group_id, user_id=other, role=Role.MEMBER, commit=commit),
        c.KickMember(group_id=group_id, user_id=other, commit=commit),
        c.TransferOwnership(group_id=group_id, user_id=other, commit=commit),
        c.LeaveGroup(group_id=group_id, statement=b"x"),
        c.ListBans(group_id=group_id),
        c.ListAudit(group_id=group_id),
        c.BanMember(group_id=group_id, user_id=other, commit=commit),
        c.UnbanMember(group_id=group_id, user_id=other, commit=commit),
        c.ListInvites(group_id=group_id),
        c.CreateInvite(
            group_id=group_id,
            code="x" * 20,
            invite_key=bytes(32),
            sealed_anchor=b"x",
            commit=commit,
        ),
        c.RevokeInvite(group_id=group_id, code=village.link.code, commit=commit),
    ]
    return [*by_conversation, *by_group]


async def test_the_list_of_commands_is_complete(village: Village) -> None:
    listed = {type(command) for command in commands(village, village.owner)}
    with_an_id = {
        endpoint.command
        for endpoint in API
        if {"group_id", "conversation_id"} & set(endpoint.command.__struct_fields__)
    }
    elsewhere = {c.CreateGroup, c.OpenDirect, c.RemoveWelcome}  # ids of what is to be, or one's own
    assert listed == with_an_id - elsewhere


@pytest.mark.parametrize("who", ["stranger", "banned", "kicked", "left"])
async def test_an_outsider_finds_nothing(village: Village, who: str) -> None:
    outsider = village.outsiders[who]
    for command in commands(village, outsider):
        refused = await refusal(outsider.ask(command))
        assert isinstance(refused, NotFound), (type(command).__name__, refused)
        assert refused.what in ("group", "conversation")


async def test_to_a_member_the_same_is_there(village: Village) -> None:
    """Whatever a member is told, it is not that there is nothing."""
    for command in commands(village, village.member):
        answer = await outcome(village.member.ask(command))
        found = not isinstance(answer, NotFound) or answer.what == "ban"
        assert found, (type(command).__name__, answer)
