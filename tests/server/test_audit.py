"""The audit log: each act of moderation is there once, with who, what, whom, when and why."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.commands import Act
from coterie.protocol.errors import EpochStale, Forbidden, Malformed, NotFound
from coterie.protocol.roles import Inviters, Role
from tests.server.client import NewPerson, Person, Proposal, group_of, outcome, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def log_of(person: Person, group_id: UUID) -> list[c.AuditEntry]:
    """Without what made the group as it is, the oldest first."""
    page = await person.ask(c.ListAudit(group_id=group_id))
    assert not page.more
    return page.entries[::-1]


async def newest(person: Person, group_id: UUID) -> c.AuditEntry:
    page = await person.ask(c.ListAudit(group_id=group_id, limit=1))
    return page.entries[0]


def because(proposal: Proposal, reason: str) -> Proposal:
    return Proposal(msgspec.structs.replace(proposal.command, reason=reason), proposal.pending)


def told(entry: c.AuditEntry) -> tuple[Any, ...]:
    return entry.act, entry.actor_id, entry.target_id, entry.detail, entry.reason


async def test_each_act_upon_a_member_is_kept_with_its_reason(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.MEMBER))
    before = len(await log_of(bela, group_id))

    role = chen.role_change(group_id, dora, Role.MODERATOR)
    await chen.send_commit(because(role, "reliable"))
    await chen.send_commit(because(chen.kick(group_id, dora), "not so reliable"))
    await chen.send_commit(because(chen.ban(group_id, dora), "spam"))
    await bela.catch_up(group_id)
    await bela.send_commit(because(bela.unban(group_id, dora), "a misunderstanding"))
    await bela.send_commit(bela.handover(group_id, chen))

    who = chen.user_id, dora.user_id
    entries = (await log_of(chen, group_id))[before:]
    assert [told(entry) for entry in entries] == [
        (Act.SET_ROLE, *who, "moderator", "reliable"),
        (Act.KICK, *who, None, "not so reliable"),
        (Act.BAN, *who, None, "spam"),
        (Act.UNBAN, bela.user_id, dora.user_id, None, "a misunderstanding"),
        (Act.TRANSFER, bela.user_id, chen.user_id, None, None),
    ]
    names = [(entry.actor_username, entry.target_username) for entry in entries]
    assert names[1] == (chen.username, dora.username)
    ages = [datetime.now(UTC) - entry.created_at for entry in entries]
    assert ages == sorted(ages, reverse=True)
    assert all(timedelta(0) <= age < timedelta(minutes=1) for age in ages)


async def test_links_and_settings_are_kept(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.ADMIN))
    link = await bela.invite(group_id)
    assert told(await newest(bela, group_id)) == (
        *(Act.CREATE_INVITE, bela.user_id, None, link.code, None),
    )
    await chen.catch_up(group_id)
    await chen.send_commit(chen.revocation(group_id, link))
    assert told(await newest(bela, group_id)) == (
        *(Act.REVOKE_INVITE, chen.user_id, bela.user_id, link.code, None),
    )
    await chen.ask(c.UpdateGroup(group_id=group_id, description="x", slow_mode_seconds=0))
    assert told(await newest(bela, group_id)) == (
        *(Act.UPDATE_GROUP, chen.user_id, None, "description, slow_mode_seconds", None),
    )
    await bela.catch_up(group_id)
    change = bela.change(group_id, name="Orchard", inviters=Inviters.MEMBERS)
    await bela.send_commit(change)
    assert (await newest(bela, group_id)).detail == "name, inviters"
    listed = len(await log_of(bela, group_id))
    await bela.ask(c.UpdateGroup(group_id=group_id))
    assert len(await log_of(bela, group_id)) == listed, "nothing was changed"


async def test_only_the_deletion_of_anothers_message_is_an_act(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    own, others = await bela.send(group_id), await chen.send(group_id)
    before = len(await log_of(bela, group_id))
    await bela.ask(bela.deletion(group_id, own))
    assert len(await log_of(bela, group_id)) == before
    deletion = msgspec.structs.replace(bela.deletion(group_id, others), reason="rude")
    await bela.ask(deletion)
    entry = await newest(bela, group_id)
    assert told(entry) == (Act.DELETE_MESSAGE, bela.user_id, chen.user_id, None, "rude")
    assert entry.message_id == others.accepted.message_id
    await bela.ask(deletion)
    assert len(await log_of(bela, group_id)) == before + 1, "sent again, it is the same act"


async def test_a_direct_conversation_has_no_moderators(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await chen.publish()
    direct = await bela.open_direct(chen)
    assert await refusal(bela.ask(c.ListAudit(group_id=direct))) == NotFound("group")


async def test_what_is_refused_or_sent_again_is_no_act(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    before = len(await log_of(bela, group_id))
    upward = chen.kick(group_id, bela).command
    assert await refusal(chen.ask(upward)) == Forbidden("kick")
    kicks = [bela.kick(group_id, dora), chen.kick(group_id, dora)]
    racing = [bela.ask(kicks[0].command), chen.ask(kicks[1].command), bela.ask(kicks[0].command)]
    answers = await asyncio.gather(*map(outcome, racing))
    lost = [answer for answer in answers if not isinstance(answer, c.Ordered)]
    assert lost
    assert all(isinstance(answer, EpochStale | NotFound) for answer in lost)
    assert len(await log_of(bela, group_id)) == before + 1, "one commit, one act"


async def test_it_is_read_page_by_page_the_newest_first(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    for number in range(5):
        await bela.ask(c.UpdateGroup(group_id=group_id, description=f"{number}"))
    found: list[int] = []
    before, more = None, True
    while more:
        page = await bela.ask(c.ListAudit(group_id=group_id, before=before, limit=2))
        found += [entry.audit_id for entry in page.entries]
        before, more = found[-1], page.more
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 5


async def test_moderators_read_it_and_members_do_not(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    look = c.ListAudit(group_id=group_id)
    assert await refusal(dora.ask(look)) == Forbidden("see_audit")
    assert (await chen.ask(look)).entries
    other = await bela.create_group()
    assert (await bela.ask(c.ListAudit(group_id=other))).entries == [], "of each group its own"


async def test_an_ended_account_leaves_its_acts_readable(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    await chen.send_commit(because(chen.kick(group_id, dora), "loud"))
    ended = "UPDATE users SET username = NULL, identity_key = NULL, ended_at = now() WHERE id = %s"
    for person in (chen, dora):
        database.execute(ended, [person.user_id])
    entry = await newest(bela, group_id)
    assert told(entry) == (Act.KICK, chen.user_id, dora.user_id, None, "loud")
    assert (entry.actor_username, entry.target_username) == (None, None)


async def test_a_reason_has_a_limit(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    kick = bela.kick(group_id, chen)
    long = because(kick, "x" * (limits.REASON_LENGTH + 1)).command
    assert isinstance(await refusal(bela.ask(long)), Malformed)
    await bela.send_commit(because(kick, "x" * limits.REASON_LENGTH))
    assert (await newest(bela, group_id)).reason == "x" * limits.REASON_LENGTH


async def test_it_goes_with_the_group(new_person: NewPerson, database: psycopg.Connection) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    await bela.ask(c.UpdateGroup(group_id=group_id, description="x"))
    counted = "SELECT count(*) FROM audit_entries WHERE group_id = %s"
    assert database.execute(counted, [group_id]).fetchone() == (1,)
    await bela.ask(c.DeleteGroup(group_id=group_id, name="Garden"))
    assert database.execute(counted, [group_id]).fetchone() == (0,)
