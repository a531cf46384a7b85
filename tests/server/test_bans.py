"""Bans: the keys go and the door shuts, in one commit."""

import msgspec
import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import CommitMismatch, Forbidden, NotFound
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, group_of, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_is_banned_is_out(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.send_commit(bela.ban(group_id, chen, reason="spam"))
    assert await refusal(chen.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
    assert await refusal(chen.send(group_id)) == NotFound("conversation")
    (ban,) = (await bela.ask(c.ListBans(group_id=group_id))).bans
    assert (ban.user_id, ban.banned_by, ban.reason) == (chen.user_id, bela.user_id, "spam")
    assert (ban.username, ban.identity_key) == (chen.username, chen.key)


async def test_to_the_banned_a_link_does_not_exist(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await bela.create_group()
    link = await bela.invite(group_id)
    entry = await chen.entry(link)
    await bela.send_commit(bela.ban(group_id, chen, keep=[link.key]))
    for asked in (
        c.GetInvite(code=link.code),
        c.ListInviteCommits(code=link.code, epoch=1),
        entry.command,
    ):
        assert await refusal(chen.ask(asked)) == NotFound("invite")
    await dora.join(link)


async def test_a_ban_closes_the_links_that_are_not_kept(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MEMBER))
    link = await bela.invite(group_id)
    await bela.send_commit(bela.ban(group_id, chen))
    assert await refusal(dora.ask(c.GetInvite(code=link.code))) == NotFound("invite")


async def test_somebody_who_is_no_member_is_banned_beforehand(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    await bela.send_commit(bela.ban(group_id, chen))
    link = await bela.invite(group_id)
    assert await refusal(chen.ask(c.GetInvite(code=link.code))) == NotFound("invite")


async def test_a_lifted_ban_opens_the_door_and_does_not_bring_back(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.send_commit(bela.ban(group_id, chen))
    await bela.send_commit(bela.unban(group_id, chen))
    assert await refusal(chen.ask(c.GetGroup(group_id=group_id))) == NotFound("group")
    assert (await bela.ask(c.ListBans(group_id=group_id))).bans == []
    await chen.join(await bela.invite(group_id))


async def test_nobody_bans_upwards_and_members_ban_nobody(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    for by, target in ((chen, bela), (chen, chen), (dora, chen), (dora, dora)):
        ban = c.BanMember(
            group_id=group_id, user_id=target.user_id, commit=packed(by.commit(group_id))
        )
        assert await refusal(by.ask(ban)) == Forbidden("ban"), (by, target)
    assert await refusal(dora.ask(c.ListBans(group_id=group_id))) == Forbidden("see_bans")
    await chen.send_commit(chen.ban(group_id, dora))


async def test_a_ban_is_not_lifted_from_below(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR), (dora, Role.MEMBER))
    await bela.send_commit(bela.ban(group_id, dora))
    await chen.catch_up(group_id)
    assert await refusal(chen.ask(chen.unban(group_id, dora).command)) == Forbidden("unban")
    await bela.send_commit(bela.unban(group_id, dora))


async def test_the_commit_bans_whom_the_command_says(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MEMBER), (dora, Role.MEMBER))
    ban = bela.ban(group_id, dora)
    assert isinstance(ban.command, c.BanMember)
    lie = msgspec.structs.replace(ban.command, user_id=chen.user_id)
    assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    kick = bela.kick(group_id, dora)
    assert isinstance(kick.command, c.KickMember)
    only_removed = msgspec.structs.replace(ban.command, commit=kick.command.commit)
    assert isinstance(await refusal(bela.ask(only_removed)), CommitMismatch)
    as_kick = msgspec.structs.replace(kick.command, commit=ban.command.commit)
    assert isinstance(await refusal(bela.ask(as_kick)), CommitMismatch)
    await bela.send_commit(ban)
    nobody = await new_person("eli")
    unban = bela.unban(group_id, dora)
    assert isinstance(unban.command, c.UnbanMember)
    other = msgspec.structs.replace(unban.command, user_id=nobody.user_id)
    assert await refusal(bela.ask(other)) == NotFound("ban")
