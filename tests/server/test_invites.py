"""Invite links: made, used exactly as often as they allow, ended, revoked."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from coterie.governance.anchors import anchor_hash, verify_chain
from coterie.mls import GroupContext
from coterie.protocol import commands as c
from coterie.protocol.errors import (
    AlreadyMember,
    CommitMismatch,
    CommitRefused,
    EpochStale,
    Forbidden,
    InviteSpent,
    Malformed,
    NotFound,
    Refused,
    Taken,
)
from coterie.protocol.roles import Inviters, Role
from tests.server.client import NewPerson, Person, Proposal, group_of, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


def in_time(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**span)


async def test_a_link_gives_its_holder_what_it_takes_to_verify_the_group(
    new_person: NewPerson,
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group("Garden")
    link = await bela.invite(group_id)
    await bela.send_commit(bela.change(group_id, name="Orchard"))
    details = await chen.ask(c.GetInvite(code=link.code))
    assert (details.group_id, details.name, details.anchor_epoch) == (group_id, "Orchard", 1)
    commits = await chen.ask(c.ListInviteCommits(code=link.code, epoch=details.anchor_epoch))
    context = GroupContext.decode(details.anchor.group_context)
    trusted = bela.state(group_id).genesis, 1, anchor_hash(context)
    verified = verify_chain(details.anchor, trusted, commits.commits)
    assert verified == bela.group(group_id).public
    assert details.group_infos.epoch == 2
    before = c.ListInviteCommits(code=link.code, epoch=0)
    assert await refusal(chen.ask(before)) == NotFound("commit"), "not before the link"


async def test_a_used_up_link_lets_nobody_in(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await bela.create_group()
    link = await bela.invite(group_id, max_uses=1)
    prepared = await dora.entry(link)
    await chen.join(link)
    assert await refusal(dora.ask(prepared.command)) == InviteSpent()
    assert await refusal(dora.ask(c.GetInvite(code=link.code))) == InviteSpent()
    (invite,) = (await bela.ask(c.ListInvites(group_id=group_id))).invites
    assert (invite.uses, invite.max_uses, invite.ended) == (1, 1, True)


async def test_a_link_for_two_lets_in_two_of_many_at_once(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    people = await asyncio.gather(*(new_person(f"p{i}") for i in range(6)))
    group_id = await bela.create_group()
    link = await bela.invite(group_id, max_uses=2)

    async def join(person: Person) -> bool:
        while True:
            try:
                await person.join(link)
            except Refused as no:
                match no.refusal:
                    case EpochStale():
                        continue
                    case InviteSpent():
                        return False
                    case other:
                        raise AssertionError(other) from no
            return True

    assert sorted(await asyncio.gather(*map(join, people))) == [False] * 4 + [True] * 2
    members = await bela.ask(c.ListMembers(group_id=group_id))
    assert len(members.members) == 3


async def test_a_failed_join_uses_nothing_up(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    link = await bela.invite(group_id, max_uses=1)
    wrong = await chen.entry(link, proven_by=chen.seed)
    refused = await refusal(chen.ask(wrong.command))
    assert isinstance(refused, CommitRefused)
    assert refused.rule == "join.invite", "the proof is by the wrong secret"
    stale = await chen.entry(link)
    await bela.send_commit(bela.update(group_id))
    assert await refusal(chen.ask(stale.command)) == EpochStale(2)
    await chen.join(link)


async def test_joining_again_is_answered_as_the_first_time(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    link = await bela.invite(group_id, max_uses=1)
    entry = await chen.entry(link)
    first = await chen.ask(entry.command)
    assert await chen.ask(entry.command) == first
    members = await bela.ask(c.ListMembers(group_id=group_id))
    assert len(members.members) == 2


async def test_a_member_does_not_join_again(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    link = await bela.invite(group_id)
    await chen.catch_up(group_id)
    command = c.JoinGroup(code=link.code, commit=packed(chen.commit(group_id)))
    assert await refusal(chen.ask(command)) == AlreadyMember()


async def test_nobody_joins_with_the_commit_of_another(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    link = await bela.invite(await bela.create_group())
    entry = await chen.entry(link)
    assert isinstance(await refusal(dora.ask(entry.command)), CommitMismatch)
    other = await bela.invite(await bela.create_group())
    swapped = msgspec.structs.replace(entry.command, code=other.code)
    assert isinstance(await refusal(chen.ask(swapped)), CommitRefused)
    await chen.ask(entry.command)


async def test_the_uses_are_those_of_the_link_the_proof_is_for(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    narrow = await bela.invite(group_id, max_uses=1)
    wide = await bela.invite(group_id)
    entry = await chen.entry(narrow)
    assert isinstance(entry.command, c.JoinGroup)
    swapped = msgspec.structs.replace(entry.command, code=wide.code)
    assert isinstance(await refusal(chen.ask(swapped)), CommitMismatch)


async def test_an_expired_link_is_spent(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    link = await bela.invite(group_id, expires_at=in_time(hours=1))
    entry = await chen.entry(link)
    database.execute("UPDATE group_invites SET expires_at = now() WHERE code = %s", [link.code])
    assert await refusal(chen.ask(entry.command)) == InviteSpent()
    assert await refusal(chen.ask(c.GetInvite(code=link.code))) == InviteSpent()
    swept = await bela.invite(group_id, closing=[link.key])
    invites = (await bela.ask(c.ListInvites(group_id=group_id))).invites
    assert [invite.code for invite in invites] == [swept.code], "a new link sweeps ended ones out"


async def test_a_new_link_sweeps_out_no_link_that_lives(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    living = await bela.invite(group_id)
    _, proposal = bela.invitation(group_id, closing=[living.key])
    assert isinstance(await refusal(bela.ask(proposal.command)), CommitMismatch)


async def test_a_link_lasts_into_the_future_and_not_for_ever(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    for moment in (in_time(seconds=-1), in_time(days=366)):
        _, proposal = bela.invitation(group_id, expires_at=moment)
        assert isinstance(await refusal(bela.ask(proposal.command)), Malformed)
    moment = in_time(days=7)
    link = await bela.invite(group_id, expires_at=moment, max_uses=3)
    (invite,) = (await bela.ask(c.ListInvites(group_id=group_id))).invites
    assert (invite.code, invite.max_uses, invite.ended) == (link.code, 3, False)
    assert invite.expires_at == moment


async def test_the_commit_opens_the_link_the_command_says(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    _, proposal = bela.invitation(group_id, expires_at=in_time(days=1))
    assert isinstance(proposal.command, c.CreateInvite)
    for lie in (
        msgspec.structs.replace(proposal.command, invite_key=bela.key),
        msgspec.structs.replace(proposal.command, expires_at=in_time(days=2)),
        msgspec.structs.replace(proposal.command, expires_at=None),
        msgspec.structs.replace(proposal.command, commit=packed(bela.commit(group_id))),
    ):
        assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    await bela.send_commit(proposal)


async def test_a_code_is_given_once(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    link = await bela.invite(await bela.create_group())
    group_id = await chen.create_group()
    _, proposal = chen.invitation(group_id)
    assert isinstance(proposal.command, c.CreateInvite)
    copied = msgspec.structs.replace(proposal.command, code=link.code)
    assert await refusal(chen.ask(copied)) == Taken("code")
    assert (await chen.ask(c.GetGroup(group_id=group_id))).epoch == 0, "nothing was ordered"


async def test_who_may_make_see_and_revoke_links(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    _, proposal = dora.invitation(group_id)
    assert await refusal(dora.ask(proposal.command)) == Forbidden("invite")
    await bela.send_commit(bela.change(group_id, inviters=Inviters.MEMBERS))
    await dora.catch_up(group_id)
    of_dora = await dora.invite(group_id)
    await chen.catch_up(group_id)
    of_chen = await chen.invite(group_id)
    await dora.catch_up(group_id)

    async def codes(person: Person) -> set[str]:
        page = await person.ask(c.ListInvites(group_id=group_id))
        return {invite.code for invite in page.invites}

    assert await codes(dora) == {of_dora.code}, "a member sees their own"
    assert {of_dora.code, of_chen.code} < await codes(chen)
    revoke = c.RevokeInvite(
        group_id=group_id, code=of_chen.code, commit=packed(dora.commit(group_id))
    )
    assert await refusal(dora.ask(revoke)) == Forbidden("revoke_invite")
    await dora.send_commit(dora.revocation(group_id, of_dora))
    await chen.catch_up(group_id)
    await chen.send_commit(chen.revocation(group_id, of_chen))
    assert await codes(dora) == set()


async def test_a_revoked_link_is_gone_and_its_anchor_with_it(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    link, other = await bela.invite(group_id), await bela.invite(group_id)
    entry = await chen.entry(link)
    revocation: Proposal = bela.revocation(group_id, link)
    assert isinstance(revocation.command, c.RevokeInvite)
    lie = msgspec.structs.replace(revocation.command, code=other.code)
    assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    await bela.send_commit(revocation)
    assert await refusal(chen.ask(entry.command)) == NotFound("invite")
    assert await refusal(chen.ask(c.GetInvite(code=link.code))) == NotFound("invite")
    gone = c.GetAnchor(conversation_id=group_id, epoch=1)
    assert await refusal(bela.ask(gone)) == NotFound("anchor")
    for epoch in (0, 2):
        await bela.ask(c.GetAnchor(conversation_id=group_id, epoch=epoch))


async def test_a_link_of_one_group_is_not_revoked_in_another(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    link = await bela.invite(await bela.create_group())
    group_id = await chen.create_group()
    command = c.RevokeInvite(
        group_id=group_id, code=link.code, commit=packed(chen.commit(group_id))
    )
    assert await refusal(chen.ask(command)) == NotFound("invite")
