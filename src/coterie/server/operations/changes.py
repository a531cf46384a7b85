"""Writing what a commit changes to SQL, from the list that `accept` gives."""

from collections.abc import Iterable
from uuid import UUID

from coterie.governance.accept import Verdict
from coterie.governance.changes import (
    Change,
    DeviceRemoved,
    InviteClosed,
    LeafUpdated,
    PersonJoined,
    RoleChanged,
)
from coterie.governance.leaves import Members, members_of
from coterie.governance.warrants import LeaveStatement
from coterie.mls import PublicGroup
from coterie.protocol import limits
from coterie.protocol.errors import LimitReached, Refused
from coterie.protocol.roles import Rank, Role
from coterie.server.storage import accounts, epochs, groups, invites, members
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import Entered, GroupTouched, Left
from coterie.server.storage.tables import Departure


async def write(tx: Tx, group_id: UUID, verdict: Verdict, seq: int) -> None:
    """Members, roles, links and departures as they are after the commit at `seq`.

    What a command alone knows (a link's code, a ban's reason) is written by its operation.
    """
    await _write_departed(tx, group_id, verdict.changes)
    await _write_roles(tx, group_id, verdict.changes)
    await _write_closed_links(tx, group_id, verdict.changes)
    for change in verdict.changes:
        if isinstance(change, PersonJoined):
            await enter(tx, group_id, change.user_id, joined_seq=seq)
    await _settle_departures(tx, group_id, verdict.after)
    if not all(isinstance(change, LeafUpdated) for change in verdict.changes):
        tx.announce(GroupTouched(group_id))


async def enter(tx: Tx, group_id: UUID, user_id: UUID, *, joined_seq: int) -> None:
    """Make somebody a plain member, who reads from `joined_seq` on."""
    if await members.count_memberships(tx, user_id) >= limits.GROUPS_PER_ACCOUNT:
        raise Refused(LimitReached("groups", limits.GROUPS_PER_ACCOUNT))
    await members.add_member(tx, group_id, user_id, role=Role.MEMBER, joined_seq=joined_seq)
    tx.announce(Entered(group_id, (user_id,)))


async def _write_departed(tx: Tx, group_id: UUID, changes: Iterable[Change]) -> None:
    for change in changes:
        if (
            isinstance(change, DeviceRemoved)
            and change.last
            and await members.remove_member(tx, group_id, change.user_id)
        ):
            tx.announce(Left(group_id, (change.user_id,)))


async def _write_roles(tx: Tx, group_id: UUID, changes: Iterable[Change]) -> None:
    """Those who fall come first: there is never a second owner."""
    changed = [change for change in changes if isinstance(change, RoleChanged)]
    users = await accounts.list_user_ids(tx, [change.identity_key for change in changed])
    for change in sorted(changed, key=lambda change: change.after):
        user_id = users[change.identity_key]
        await members.set_role(tx, group_id, user_id, change.after.role)
        if change.after is Rank.OWNER:
            await groups.set_owner(tx, group_id, user_id)


async def _write_closed_links(tx: Tx, group_id: UUID, changes: Iterable[Change]) -> None:
    closed = [change.key for change in changes if isinstance(change, InviteClosed)]
    if closed:
        await invites.remove_invites(tx, group_id, closed)
        await epochs.remove_unused_anchors(tx, group_id)


async def _settle_departures(tx: Tx, group_id: UUID, after: PublicGroup) -> None:
    for departure in await epochs.list_departures(tx, group_id):
        if not _still_holds(departure, members_of(after.tree)):
            await epochs.remove_departure(tx, group_id, departure.user_id)


def _still_holds(departure: Departure, after: Members) -> bool:
    """Until its seats are gone; and a seat drawn since makes a statement void."""
    named = LeaveStatement.decode(departure.statement).seats
    left = [
        seat.seat for seats in after.values() for seat in seats if seat.user_id == departure.user_id
    ]
    return bool(left) and all(seat in named for seat in left)
