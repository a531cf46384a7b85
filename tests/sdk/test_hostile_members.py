"""A server that lies about members, bans and links, and what a client makes of it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from coterie.governance.signatures import new_key
from coterie.protocol.commands import (
    Bans,
    Invites,
    LeaveGroup,
    ListBans,
    ListInvites,
    ListMembers,
    Member,
    Members,
)
from coterie.protocol.errors import OwnerMustTransfer, Refused
from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.errors import (
    NotFoundHere,
)
from tests.sdk.people import gather_in
from tests.sdk.proxy import Liar


async def test_a_member_that_the_server_made_up_is_not_shown(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    _, key = new_key()
    mallory = Member(
        user_id=uuid4(),
        username="mallory",
        identity_key=key,
        role=Role.ADMIN,
        joined_at=datetime.now(UTC),
    )

    def forge(true: Members, _: dict[str, str]) -> Members:
        promoted = [replace(one, role=Role.ADMIN) for one in true.members]
        return replace(true, members=[*promoted, mallory])

    liar[0].forge(ListMembers, forge)
    shown = {m.username: m.role for m in await dora.members(club)}
    assert shown == {"anna": Role.OWNER, "dora": Role.MEMBER}, "roles are the signed state's"
    assert any("mallory" in warning for warning in dora.pop_warnings())


async def test_who_is_unbanned_is_who_was_named(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """The server's list of bans says anna where it should say bela."""
    club = await gather_in("club", dora)
    for name in ("anna", "bela"):
        await dora.ban(club, name)

    def forge(true: Bans, _: dict[str, str]) -> Bans:
        names = [one.username for one in reversed(true.bans)]
        pairs = zip(true.bans, names, strict=True)
        return replace(true, bans=[replace(one, username=name) for one, name in pairs])

    liar[0].forge(ListBans, forge)
    await dora.unban(club, "bela")
    link = str((await dora.create_invite(club)).link)
    with pytest.raises(Refused):
        await anna.join(link)
    await bela.join(link)


@pytest.mark.parametrize("whose", ["one's own", "another's"])
async def test_a_link_is_closed_or_kept_only_under_its_true_code(
    liar: Liar, anna: Client, bela: Client, dora: Client, whose: str
) -> None:
    """The server exchanges the keys of links, so that closing one would close another."""
    club = await gather_in("club", dora, anna)
    await dora.set_role(club, "anna", Role.ADMIN)
    if whose == "one's own":
        made = [await dora.create_invite(club) for _ in range(2)]
    else:
        lasts = (timedelta(days=1), timedelta(days=2))
        made = [await anna.create_invite(club, expires_in=last) for last in lasts]

    def forge(true: Invites, _: dict[str, str]) -> Invites:
        keys = [one.invite_key for one in true.invites]
        pairs = zip(true.invites, keys[1:] + keys[:1], strict=True)
        return replace(true, invites=[replace(one, invite_key=key) for one, key in pairs])

    leaked, good = (one.code for one in made)
    liar[0].forge(ListInvites, forge)
    with pytest.raises(NotFoundHere):
        await dora.revoke_invite(club, leaked)
    with pytest.raises(NotFoundHere):
        await dora.ban(club, "bela", keep_invites=[good])
    assert any(leaked in warning for warning in dora.pop_warnings())
    liar[0].be_honest()
    await dora.revoke_invite(club, leaked)
    codes = {one.code for one in await dora.invites(club)}
    assert (good in codes, leaked in codes) == (True, False), "nothing else was closed"


async def test_an_owner_who_may_not_leave_signs_nothing(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """A server that has the statement may say at any time that the owner is gone."""
    club = await gather_in("club", dora, anna, bela)
    for other in (anna, bela):
        with pytest.raises(Refused) as caught:
            await dora.leave(club)
        assert isinstance(caught.value.refusal, OwnerMustTransfer)
        assert LeaveGroup not in liar[0].asked
        await other.leave(club)
    await dora.leave(club)
    assert await dora.groups() == [], "those whose keys are still to be removed do not count"
