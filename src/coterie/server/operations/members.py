"""Who is in a group: looking, kicking, leaving."""

from coterie.governance.changes import Change, DeviceRemoved, InviteClosed, RoleChanged
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import members_of, state_of
from coterie.governance.signatures import BadSignature
from coterie.governance.warrants import LeaveStatement
from coterie.mls import PublicGroup
from coterie.protocol.commands import (
    Act,
    Commit,
    Done,
    KickMember,
    LeaveGroup,
    ListMembers,
    Member,
    Members,
    Ordered,
)
from coterie.protocol.errors import CommitMismatch, Malformed, NotFound, OwnerMustTransfer, Refused
from coterie.protocol.header import EntryKind, entry_hash
from coterie.protocol.roles import Action, Rank, Role
from coterie.server.operations import access, entries, epochs, groups, states
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import Step, require_match
from coterie.server.storage import accounts, audit, conversations, members
from coterie.server.storage.database import Tx
from coterie.server.storage.entries import has_statement
from coterie.server.storage.epochs import add_departure
from coterie.server.storage.outbox import GroupTouched, Left
from coterie.server.storage.views import MemberView, Standing


async def list_members(tx: Tx, actor: Actor, command: ListMembers) -> Members:
    await access.require_in_group(tx, actor, command.group_id, Action.READ)
    found = await members.list_members(tx, command.group_id, command.after, command.limit + 1)
    page = found[: command.limit]
    return Members(members=[_member(view) for view in page], more=len(found) > len(page))


def _member(view: MemberView) -> Member:
    return Member(
        user_id=view.user_id,
        username=view.username,
        identity_key=view.identity_key,
        role=view.role,
        joined_at=view.joined_at,
    )


async def kick_member(tx: Tx, actor: Actor, command: KickMember) -> Ordered:
    async def allow() -> Standing:
        return await access.require_over(tx, actor, command.group_id, command.user_id, Action.KICK)

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    require_match(
        bool(step.made) and all(_removes(change, command) for change in step.made),
        "it removes somebody else, or nobody",
    )
    ordered = await epochs.order(tx, actor, step)
    await audit.add_act(
        tx,
        command.group_id,
        actor.user_id,
        Act.KICK,
        target_id=command.user_id,
        reason=command.reason,
    )
    return ordered


def _removes(change: Change, command: KickMember) -> bool:
    return (
        isinstance(change, DeviceRemoved)
        and change.user_id == command.user_id
        and change.warrant == "rank"
    )


# --- leaving


async def leave_group(tx: Tx, actor: Actor, command: LeaveGroup) -> Done:
    if await has_statement(tx, command.group_id, actor.user_id, entry_hash(command.statement)):
        return Done()  # sent again
    standing = await access.require_in_group(tx, actor, command.group_id, Action.LEAVE)
    if standing.role is Role.OWNER:
        await _leave_as_owner(tx, actor, command)
        return Done()
    if command.commit is not None:
        await _drop_own(tx, actor, command, command.commit)
    await _depart(tx, actor, command)
    return Done()


async def _leave_as_owner(tx: Tx, actor: Actor, command: LeaveGroup) -> None:
    await conversations.lock_conversation(tx, command.group_id)
    standing = await access.require_in_group(tx, actor, command.group_id, Action.LEAVE)
    alone = await members.count_members(tx, command.group_id) == 1
    if standing.role is not Role.OWNER or not alone:
        raise Refused(OwnerMustTransfer())
    await groups.remove_group(tx, command.group_id)


async def _drop_own(tx: Tx, actor: Actor, command: LeaveGroup, commit: Commit) -> None:
    """One's own role and links go before oneself."""

    async def allow() -> Standing:
        return await access.require_in_group(tx, actor, command.group_id, Action.LEAVE)

    step = await epochs.begin(tx, actor, command.group_id, commit, allow)
    if isinstance(step, Step):
        require_match(
            all(_drops(step, change) for change in step.made),
            "it does more than drop one's own role and links",
        )
        await epochs.order(tx, actor, step)


def _drops(step: Step, change: Change) -> bool:
    match change:
        case RoleChanged(identity_key=key, after=after):
            return key == step.identity_key and after is Rank.MEMBER
        case InviteClosed(key=key):
            entry = step.state.invite(key)
            return entry is not None and entry.creator == step.identity_key
        case _:
            return False


async def _depart(tx: Tx, actor: Actor, command: LeaveGroup) -> None:
    await conversations.lock_conversation(tx, command.group_id)
    standing = await access.require_in_group(tx, actor, command.group_id, Action.LEAVE)
    group = await states.current(tx, command.group_id)
    await _require_statement(tx, actor, group, command.statement)
    entry = await entries.append(
        tx, actor, standing, EntryKind.STATEMENT, command.statement, epoch=standing.epoch
    )
    await members.remove_member(tx, command.group_id, actor.user_id)
    await add_departure(tx, command.group_id, actor.user_id, command.statement, entry.seq)
    tx.announce(Left(command.group_id, (actor.user_id,)))
    tx.announce(GroupTouched(command.group_id))


async def _require_statement(tx: Tx, actor: Actor, group: PublicGroup, statement: bytes) -> None:
    """It is by a device of the one who leaves, names all their seats, and nothing of theirs is
    left in the signed state."""
    person = await accounts.get_person(tx, actor.user_id)
    if person is None:
        raise Refused(NotFound("group"))
    seats = members_of(group.tree).get(person.identity_key, [])
    leave = _read_statement(group, statement)
    if leave.device_key not in [seat.device_key for seat in seats]:
        raise Refused(Malformed("the statement is by another's device"))
    if set(leave.seats) != {seat.seat for seat in seats}:
        raise Refused(Malformed("the statement does not name all of one's seats"))
    state = state_of(group)
    own_links = any(entry.creator == person.identity_key for entry in state.invites)
    if own_links or state.rank_of(person.identity_key) is not Rank.MEMBER:
        raise Refused(CommitMismatch("one's own role and links are dropped first"))


def _read_statement(group: PublicGroup, statement: bytes) -> LeaveStatement:
    try:
        leave = LeaveStatement.decode(statement)
        leave.verify(group.group_id)
    except (EncodingError, BadSignature) as error:
        raise Refused(Malformed(f"the statement does not hold: {error}")) from None
    return leave
