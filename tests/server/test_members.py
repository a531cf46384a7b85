"""Members: listed, kicked, leaving."""

import msgspec
import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import (
    CommitMismatch,
    CommitRefused,
    Forbidden,
    Malformed,
    NotFound,
    OwnerMustTransfer,
    RemovalPending,
)
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, Person, group_of, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def roles(person: Person, group_id: object) -> dict[str, Role]:
    page = await person.ask(c.ListMembers(group_id=group_id))  # type: ignore[arg-type]
    return {member.username: member.role for member in page.members}


async def test_members_are_listed_page_by_page(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.MEMBER))
    first = await dora.ask(c.ListMembers(group_id=group_id, limit=2))
    rest = await dora.ask(
        c.ListMembers(group_id=group_id, limit=2, after=first.members[-1].user_id)
    )
    assert (first.more, rest.more) == (True, False)
    found = {m.user_id: (m.role, m.identity_key) for m in (*first.members, *rest.members)}
    assert found == {
        bela.user_id: (Role.OWNER, bela.key),
        chen.user_id: (Role.ADMIN, chen.key),
        dora.user_id: (Role.MEMBER, dora.key),
    }


# --- kicking


async def test_who_is_kicked_is_gone_and_may_come_back(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MODERATOR))
    await bela.send_commit(bela.kick(group_id, chen))
    assert await refusal(chen.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
    link = await bela.invite(group_id)
    joined = await chen.join(link)
    await bela.catch_up(group_id)
    assert (await chen.log(group_id))[0].seq == joined.seq, "what came before stays closed"
    assert (await roles(bela, group_id))[chen.username] is Role.MEMBER, "the role is gone"


async def test_nobody_kicks_upwards_or_sideways(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MODERATOR))
    for target in (bela, dora, chen):
        kick = c.KickMember(
            group_id=group_id, user_id=target.user_id, commit=packed(chen.commit(group_id))
        )
        assert await refusal(chen.ask(kick)) == Forbidden("kick")
    await bela.send_commit(bela.kick(group_id, dora))


async def test_a_kick_removes_whom_it_says(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MEMBER), (dora, Role.MEMBER))
    kick = bela.kick(group_id, dora)
    assert isinstance(kick.command, c.KickMember)
    lie = msgspec.structs.replace(kick.command, user_id=chen.user_id)
    assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    nobody = msgspec.structs.replace(kick.command, commit=packed(bela.commit(group_id)))
    assert isinstance(await refusal(bela.ask(nobody)), CommitMismatch)
    stranger = await new_person("eli")
    of_stranger = msgspec.structs.replace(kick.command, user_id=stranger.user_id)
    assert await refusal(bela.ask(of_stranger)) == NotFound("member")
    assert len(await roles(bela, group_id)) == 3


# --- leaving


async def test_who_leaves_is_out_at_once_and_their_keys_go_before_the_next_message(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    said = await bela.send(group_id)
    departure = chen.departure(group_id)
    await chen.ask(departure)
    assert await refusal(chen.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
    assert (await bela.log(group_id))[-1].kind is EntryKind.STATEMENT
    conversation = await bela.ask(c.GetConversation(conversation_id=group_id))
    assert conversation.removal_pending
    for refused in (
        bela.send(group_id),
        bela.ask(bela.edit(group_id, said)),
        bela.ask(bela.deletion(group_id, said)),
        bela.ask(bela.reaction(group_id, said)),
    ):
        assert await refusal(refused) == RemovalPending()
    await bela.send_commit(bela.removal_of(group_id, chen, departure.statement))
    await bela.send(group_id)


async def test_leaving_again_changes_nothing(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    departure = chen.departure(group_id)
    assert await chen.ask(departure) == await chen.ask(departure) == c.Done()
    statements = [e for e in await bela.log(group_id) if e.kind is EntryKind.STATEMENT]
    assert len(statements) == 1


async def test_a_role_and_links_of_ones_own_go_first(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MODERATOR))
    link = await chen.invite(group_id)
    with_both = chen.departure(group_id)
    assert isinstance(await refusal(chen.ask(with_both)), CommitMismatch)
    await chen.ask(chen.departure_dropping(group_id))
    await bela.catch_up(group_id)
    assert bela.state(group_id).invite(link.key) is None
    dora = await new_person("dora")
    assert await refusal(dora.ask(c.GetInvite(code=link.code))) == NotFound("invite")
    assert (await bela.log(group_id))[-1].kind is EntryKind.STATEMENT


async def test_the_last_member_deletes_the_group_by_leaving(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.ADMIN))
    assert await refusal(bela.ask(bela.departure(group_id))) == OwnerMustTransfer()
    await bela.send_commit(bela.kick(group_id, chen))
    await bela.ask(bela.departure(group_id))
    assert (await bela.ask(c.ListConversations())).conversations == []


async def test_after_a_transfer_the_former_owner_leaves(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.send_commit(bela.handover(group_id, chen))
    departure = bela.departure_dropping(group_id)
    await bela.ask(departure)
    await chen.catch_up(group_id)
    await chen.send_commit(chen.removal_of(group_id, bela, departure.statement))
    assert await roles(chen, group_id) == {chen.username: Role.OWNER}


async def test_a_statement_that_does_not_hold_lets_nobody_leave(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    other_id = await group_of(bela, (chen, Role.MEMBER))
    statement = chen.statement(group_id)
    for false in (
        bela.statement(group_id),
        chen.statement(other_id),
        statement[:-1] + bytes([statement[-1] ^ 1]),
        b"no statement at all",
    ):
        departure = c.LeaveGroup(group_id=group_id, statement=false)
        assert isinstance(await refusal(chen.ask(departure)), Malformed)
    assert chen.username in await roles(bela, group_id)
    await chen.ask(c.LeaveGroup(group_id=group_id, statement=statement))


async def test_somebody_who_left_comes_back_by_a_link_with_a_new_seat(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    link = await bela.invite(group_id)
    await chen.catch_up(group_id)
    departure = chen.departure(group_id)
    await chen.ask(departure)
    removes = chen.leaves_of(group_id, chen)
    joined = await chen.send_commit(await chen.entry(link, removes=removes))
    await bela.catch_up(group_id)
    assert await roles(bela, group_id) == {bela.username: Role.OWNER, chen.username: Role.MEMBER}
    assert (await chen.log(group_id))[0].seq == joined.seq
    await chen.send(group_id)
    assert not (await bela.ask(c.GetConversation(conversation_id=group_id))).removal_pending
    stale = bela.removal_of(group_id, chen, departure.statement)
    assert isinstance(await refusal(bela.ask(stale.command)), CommitRefused), "it is void now"
