"""Members: who is in a group, their roles, and how they go."""

from collections.abc import Callable, Collection
from uuid import UUID

from coterie.governance.leaves import members_of
from coterie.governance.makers import with_ban, with_owner, with_role, without_ban, without_own
from coterie.governance.state import GroupState
from coterie.governance.warrants import LeaveStatement, sign_leave
from coterie.protocol import commands
from coterie.protocol.commands import (
    BanMember,
    Bans,
    Command,
    Commit,
    KickMember,
    LeaveGroup,
    ListBans,
    ListMembers,
    Members,
    SetRole,
    TransferOwnership,
    UnbanMember,
)
from coterie.protocol.errors import OwnerMustTransfer, Refused
from coterie.protocol.roles import Role
from coterie.sdk.catching_up import catch_up
from coterie.sdk.commits import Proposed, change, commit
from coterie.sdk.conversations import find_group, ready, require_standing
from coterie.sdk.epochs import leaves_of
from coterie.sdk.errors import BadTarget, NotFoundHere
from coterie.sdk.invites import list_open
from coterie.sdk.log import Log
from coterie.sdk.paging import list_all
from coterie.sdk.pending import depart, on_the_wire
from coterie.sdk.people import holder, is_other, seated
from coterie.sdk.pins import find_person, learn_names, names_of, pin_members, warn_if_contested
from coterie.sdk.profile import Profile
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.records import Principal
from coterie.sdk.views import Ban, Member


async def list_members(profile: Profile, ref: str) -> list[Member]:
    """Those whom server and group agree upon, with the role the signed state gives them.

    Whoever the server adds to the list has no keys, and is left out with a warning.
    """
    group_id = (await find_group(profile, ref)).conversation_id
    require_standing(await catch_up(profile, group_id))
    told = await _told(profile, group_id)
    await profile.vault.write(lambda tx: pin_members(tx, group_id, told))
    await warn_if_contested(profile, group_id)
    seats = await profile.vault.read(lambda tx: list_seats(tx, group_id))
    ranks = {seat.user_id: seat.rank for seat in seats}
    for stranger in (one for one in told if one.user_id not in ranks):
        profile.warn(f"The server lists {stranger.username}, who is not in the group.")
    present = [one.user_id for one in told if one.user_id in ranks]
    names = await names_of(profile, group_id, present)
    others = await profile.vault.read(
        lambda tx: {seat.user_id for seat in seats if is_other(tx, holder(seat))}
    )
    provisional = {seat.user_id for seat in seats if seat.provisional}
    views = [
        Member(
            user_id=one,
            username=names[one],
            role=ranks[one].role,
            provisional=one in provisional,
            other_identity=one in others,
        )
        for one in present
    ]
    return sorted(views, key=lambda member: (-member.role.rank, member.username))


async def set_role(
    profile: Profile, ref: str, username: str, role: Role, reason: str | None
) -> None:
    if role is Role.OWNER:
        raise BadTarget("There is one owner. Use transfer to hand the group over.")

    def propose(state: GroupState, who: Principal, epoch: int) -> GroupState:
        return with_role(state, who.identity_key, role.rank, epoch)

    def command(group_id: UUID, who: Principal, made: Commit) -> Command:
        return SetRole(
            group_id=group_id, user_id=who.user_id, role=role, reason=reason, commit=made
        )

    await _change_member(profile, ref, username, propose, command)


async def transfer(profile: Profile, ref: str, username: str) -> None:
    """Hand the group over, and become admin."""

    def propose(state: GroupState, who: Principal, epoch: int) -> GroupState:
        return with_owner(state, who.identity_key, epoch)

    def command(group_id: UUID, who: Principal, made: Commit) -> Command:
        return TransferOwnership(group_id=group_id, user_id=who.user_id, commit=made)

    await _change_member(profile, ref, username, propose, command)


async def kick(profile: Profile, ref: str, username: str, reason: str | None) -> None:
    """Takes the seat and the keys; they may come back by a link."""

    def command(group_id: UUID, who: Principal, made: Commit) -> Command:
        return KickMember(group_id=group_id, user_id=who.user_id, reason=reason, commit=made)

    await _change_member(
        profile, ref, username, lambda state, who, epoch: state, command, removes=True
    )


async def ban(
    profile: Profile, ref: str, username: str, reason: str | None, keep_invites: Collection[str]
) -> None:
    """Also for somebody who is no member. Ends all open links but those of these codes.

    Raises NotFoundHere for a code that is none of this group's.
    """
    group_id = (await find_group(profile, ref)).conversation_id
    who = await find_person(profile, username)
    _require_other(profile, who)
    kept = await _keys_of(profile, group_id, keep_invites)

    def build(log: Log) -> Proposed | None:
        if log.state.ban(who.identity_key) is not None:
            return None
        own_rank = log.state.rank_of(profile.account.identity_key)
        banned = with_ban(log.state, who.identity_key, own_rank, kept)
        pending = change(log, banned, removes=_leaves_of(log, who))
        if pending is None:
            return None
        made = on_the_wire(pending)
        command = BanMember(group_id=group_id, user_id=who.user_id, reason=reason, commit=made)
        return Proposed(command, pending)

    await commit(profile, group_id, build)


async def unban(profile: Profile, ref: str, username: str, reason: str | None) -> None:
    """Raises NotFoundHere for somebody whom the signed state does not ban."""
    group_id = (await find_group(profile, ref)).conversation_id
    who = await find_person(profile, username)
    state = GroupState.decode((await ready(profile, group_id)).state)
    if state.ban(who.identity_key) is None:
        raise NotFoundHere(f"{username} is not banned from this group.")

    def build(log: Log) -> Proposed | None:
        pending = change(log, without_ban(log.state, who.identity_key))
        if pending is None:
            return None
        made = on_the_wire(pending)
        command = UnbanMember(group_id=group_id, user_id=who.user_id, reason=reason, commit=made)
        return Proposed(command, pending)

    await commit(profile, group_id, build)


async def list_bans(profile: Profile, ref: str) -> list[Ban]:
    group_id = (await find_group(profile, ref)).conversation_id
    bans = await _bans(profile, group_id)
    names = await names_of(profile, group_id, (one.banned_by for one in bans))
    return [
        Ban(
            user_id=one.user_id,
            username=one.username,
            banned_by=names[one.banned_by],
            reason=one.reason,
            banned_at=one.banned_at,
        )
        for one in bans
    ]


async def leave(profile: Profile, ref: str) -> None:
    """Say so, signed; whoever sends next takes the keys. An owner hands the group over first.

    Somebody above member drops role and links in the same request.
    """
    group_id = (await find_group(profile, ref)).conversation_id

    def build(log: Log) -> Proposed | None:
        if log.state.owner == profile.account.identity_key:
            _require_alone(log)
            return None  # the server deletes a group of one
        pending = change(log, without_own(log.state, profile.account.identity_key))
        if pending is None:
            return None
        statement = _statement(log).encode()
        command = LeaveGroup(group_id=group_id, statement=statement, commit=on_the_wire(pending))
        return Proposed(command, pending)

    if not await commit(profile, group_id, build):
        statement = await profile.vault.read(
            lambda tx: _statement(Log.load(tx, profile.account, group_id)).encode()
        )
        await depart(profile, LeaveGroup(group_id=group_id, statement=statement))


async def _change_member(
    profile: Profile,
    ref: str,
    username: str,
    propose: Callable[[GroupState, Principal, int], GroupState],
    command: Callable[[UUID, Principal, Commit], Command],
    *,
    removes: bool = False,
) -> None:
    """One commit that changes what a member is, or takes their leaves."""
    group_id = (await find_group(profile, ref)).conversation_id
    who = await _find_member(profile, group_id, username)
    if removes:
        _require_other(profile, who)

    def build(log: Log) -> Proposed | None:
        leaves = _leaves_of(log, who) if removes else []
        proposed = propose(log.state, who, log.record.epoch + 1)
        pending = change(log, proposed, removes=leaves)
        if pending is None:
            return None
        return Proposed(command(group_id, who, on_the_wire(pending)), pending)

    await commit(profile, group_id, build)


async def _find_member(profile: Profile, group_id: UUID, username: str) -> Principal:
    """Raises NotFoundHere for somebody who is not in the group."""
    await ready(profile, group_id)
    await learn_names(profile, group_id)
    who = await find_person(profile, username)
    if who not in await profile.vault.read(lambda tx: seated(tx, group_id)):
        raise NotFoundHere(f"{username} is not in this group.")
    return who


def _require_other(profile: Profile, who: Principal) -> None:
    if who.user_id == profile.account.user_id:
        raise BadTarget("That is you. Use leave.")


def _leaves_of(log: Log, who: Principal) -> list[int]:
    return [seat.leaf_index for seat in members_of(log.public.tree).get(who.identity_key, [])]


def _require_alone(log: Log) -> None:
    """As the server would, before anything is signed: a leave statement is good for ever.

    Raises Refused(OwnerMustTransfer).
    """
    tree, own = log.public.tree, log.account.identity_key
    going = {leaf for statement in log.record.leavers for leaf in leaves_of(tree, statement)}
    others = {
        seat.leaf_index for key, seats in members_of(tree).items() if key != own for seat in seats
    }
    if others - going:
        raise Refused(OwnerMustTransfer())


def _statement(log: Log) -> LeaveStatement:
    """Names all seats of this person."""
    seats = members_of(log.public.tree)[log.account.identity_key]
    return sign_leave(
        log.account.device_seed, log.conversation_id.bytes, [seat.seat for seat in seats]
    )


async def _keys_of(profile: Profile, group_id: UUID, codes: Collection[str]) -> list[bytes]:
    """Of the links with these codes. Raises NotFoundHere."""
    listed = await list_open(profile, group_id) if codes else []
    keys = {one.code: one.invite_key for one in listed}
    if unknown := [code for code in codes if code not in keys]:
        raise NotFoundHere(f"There is no invite {unknown[0]} in this group.")
    return [keys[code] for code in codes]


async def _told(profile: Profile, group_id: UUID) -> list[commands.Member]:
    return await list_all(
        profile.connection,
        lambda after: ListMembers(group_id=group_id, after=after),
        Members,
        lambda page: page.members,
        lambda member: member.user_id,
    )


async def _bans(profile: Profile, group_id: UUID) -> list[commands.Ban]:
    return await list_all(
        profile.connection,
        lambda after: ListBans(group_id=group_id, after=after),
        Bans,
        lambda page: page.bans,
        lambda one: one.user_id,
    )
