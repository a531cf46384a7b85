"""Roles and the handing over of a group."""

import msgspec
import pytest

from coterie.protocol import commands as c
from coterie.protocol.errors import CommitMismatch, Forbidden, NotFound
from coterie.protocol.roles import Inviters, Role
from tests.server.client import NewPerson, group_of, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_role_is_given_and_taken(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    for role in (Role.ADMIN, Role.MODERATOR, Role.MEMBER):
        await bela.send_commit(bela.role_change(group_id, chen, role))
        assert (await chen.ask(c.GetGroup(group_id=group_id))).role is role


async def test_a_role_is_below_ones_own_and_so_is_who_gets_it(new_person: NewPerson) -> None:
    bela, chen, dora, eli = [await new_person(name) for name in ("bela", "chen", "dora", "eli")]
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.ADMIN), (eli, Role.MODERATOR))
    forbidden = Forbidden("set_role")
    for by, target, role in (
        (chen, dora, Role.MEMBER),
        (chen, bela, Role.MEMBER),
        (chen, chen, Role.MODERATOR),
        (chen, eli, Role.ADMIN),
        (chen, eli, Role.OWNER),
        (bela, chen, Role.OWNER),
        (eli, eli, Role.MEMBER),
    ):
        command = c.SetRole(
            group_id=group_id,
            user_id=target.user_id,
            role=role,
            commit=packed(by.commit(group_id)),
        )
        assert await refusal(by.ask(command)) == forbidden, (by, target, role)
    await chen.send_commit(chen.role_change(group_id, eli, Role.MEMBER))


async def test_the_commit_gives_the_role_the_command_says(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MEMBER), (dora, Role.MEMBER))
    change = bela.role_change(group_id, chen, Role.MODERATOR)
    assert isinstance(change.command, c.SetRole)
    for lie in (
        msgspec.structs.replace(change.command, role=Role.ADMIN),
        msgspec.structs.replace(change.command, user_id=dora.user_id),
        msgspec.structs.replace(change.command, commit=packed(bela.commit(group_id))),
    ):
        assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    await bela.send_commit(change)


async def test_a_link_falls_with_the_right_to_make_it(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.MODERATOR))
    link = await chen.invite(group_id)
    await bela.catch_up(group_id)
    await bela.send_commit(bela.role_change(group_id, chen, Role.MEMBER))
    assert await refusal(dora.ask(c.GetInvite(code=link.code))) == NotFound("invite")
    await bela.send_commit(bela.change(group_id, inviters=Inviters.MEMBERS))
    await chen.catch_up(group_id)
    kept = await chen.invite(group_id)
    await bela.catch_up(group_id)
    assert (await dora.ask(c.GetInvite(code=kept.code))).group_id == group_id
    await bela.send_commit(bela.change(group_id, inviters=Inviters.MODERATORS))
    assert await refusal(dora.ask(c.GetInvite(code=kept.code))) == NotFound("invite")


async def test_a_group_is_handed_over_whole(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.send_commit(bela.handover(group_id, chen))
    found = await chen.ask(c.GetGroup(group_id=group_id))
    assert (found.owner_id, found.role) == (chen.user_id, Role.OWNER)
    assert (await bela.ask(c.GetGroup(group_id=group_id))).role is Role.ADMIN


async def test_only_the_owner_hands_over_and_to_a_member(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    stranger = await new_person("eli")
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.MEMBER))
    by_admin = c.TransferOwnership(
        group_id=group_id, user_id=dora.user_id, commit=packed(chen.commit(group_id))
    )
    assert await refusal(chen.ask(by_admin)) == Forbidden("transfer")
    to_stranger = c.TransferOwnership(
        group_id=group_id, user_id=stranger.user_id, commit=packed(bela.commit(group_id))
    )
    assert await refusal(bela.ask(to_stranger)) == NotFound("member")
    handover = bela.handover(group_id, dora)
    assert isinstance(handover.command, c.TransferOwnership)
    lie = msgspec.structs.replace(handover.command, user_id=chen.user_id)
    assert isinstance(await refusal(bela.ask(lie)), CommitMismatch)
    await bela.send_commit(handover)
