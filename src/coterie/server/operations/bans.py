"""Bans: one commit takes the keys and shuts the door."""

from uuid import UUID

from coterie.governance.changes import (
    Change,
    DeviceRemoved,
    InviteClosed,
    PersonBanned,
    PersonUnbanned,
)
from coterie.governance.leaves import state_of
from coterie.protocol.commands import Act, Ban, BanMember, Bans, ListBans, Ordered, UnbanMember
from coterie.protocol.errors import Forbidden, NotFound, Refused
from coterie.protocol.roles import Action, outranks
from coterie.server.operations import access, epochs, states
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import require_match
from coterie.server.storage import accounts, audit, bans, members
from coterie.server.storage.database import Tx
from coterie.server.storage.views import BanView, Person, Standing


async def list_bans(tx: Tx, actor: Actor, command: ListBans) -> Bans:
    await access.require_in_group(tx, actor, command.group_id, Action.SEE_BANS)
    found = await bans.list_bans(tx, command.group_id, command.after, command.limit + 1)
    page = found[: command.limit]
    return Bans(bans=[_ban(view) for view in page], more=len(found) > len(page))


def _ban(view: BanView) -> Ban:
    return Ban(
        user_id=view.user_id,
        username=view.username,
        identity_key=view.identity_key,
        banned_by=view.banned_by,
        reason=view.reason,
        banned_at=view.banned_at,
    )


async def ban_member(tx: Tx, actor: Actor, command: BanMember) -> Ordered:
    async def allow() -> Standing:
        return await _require_ban(tx, actor, command)

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    person = await _require_person(tx, command.user_id)
    banned = PersonBanned(person.identity_key, step.state.rank_of(step.identity_key))
    require_match(
        banned in step.made and all(_belongs(change, banned) for change in step.made),
        "it bans somebody else, or nobody",
    )
    ordered = await epochs.order(tx, actor, step)
    await bans.add_ban(
        tx, command.group_id, person.id, banned_by=actor.user_id, reason=command.reason
    )
    await _note(tx, actor, command, Act.BAN)
    return ordered


async def _require_ban(tx: Tx, actor: Actor, command: BanMember) -> Standing:
    """Upon a member of lower rank, or somebody who is no member."""
    standing = await access.require_in_group(tx, actor, command.group_id, Action.BAN)
    await _require_person(tx, command.user_id)
    target = await members.get_member(tx, command.group_id, command.user_id)
    if target is not None and not outranks(standing.role, target.role):
        raise Refused(Forbidden(Action.BAN))
    return standing


def _belongs(change: Change, banned: PersonBanned) -> bool:
    """To a ban belong the removal of all leaves, and whichever links it closes."""
    match change:
        case DeviceRemoved(identity_key=key):
            return key == banned.identity_key
        case InviteClosed():
            return True
        case _:
            return change == banned


async def unban_member(tx: Tx, actor: Actor, command: UnbanMember) -> Ordered:
    async def allow() -> Standing:
        return await _require_unban(tx, actor, command)

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    person = await _require_person(tx, command.user_id)
    require_match(
        step.made == [PersonUnbanned(person.identity_key)], "it unbans somebody else, or nobody"
    )
    ordered = await epochs.order(tx, actor, step)
    await bans.remove_ban(tx, command.group_id, person.id)
    await _note(tx, actor, command, Act.UNBAN)
    return ordered


async def _require_unban(tx: Tx, actor: Actor, command: UnbanMember) -> Standing:
    """Not of a ban made by a higher rank than one's own."""
    standing = await access.require_in_group(tx, actor, command.group_id, Action.UNBAN)
    if not await bans.has_ban(tx, command.group_id, command.user_id):
        raise Refused(NotFound("ban"))
    person = await _require_person(tx, command.user_id)
    entry = state_of(await states.current(tx, command.group_id)).ban(person.identity_key)
    if entry is not None and entry.rank > standing.role.rank:
        raise Refused(Forbidden(Action.UNBAN))
    return standing


async def _note(tx: Tx, actor: Actor, command: BanMember | UnbanMember, act: Act) -> None:
    await audit.add_act(
        tx,
        command.group_id,
        actor.user_id,
        act,
        target_id=command.user_id,
        reason=command.reason,
    )


async def _require_person(tx: Tx, user_id: UUID) -> Person:
    person = await accounts.get_person(tx, user_id)
    if person is None:
        raise Refused(NotFound("user"))
    return person
