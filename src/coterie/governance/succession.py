"""What follows by itself when people go: entries that fall, and who becomes owner.

A group's state is *settled* with a tree when the owner and everybody with a role has a leaf, and
when every open invite is by somebody who has a leaf and may invite. The commit that would break
this settles it too; makers compute with the same function by which `accept` judges.
"""

from msgspec.structs import replace

from coterie.governance.leaves import Members
from coterie.governance.state import GroupState, InviteEntry, RoleEntry
from coterie.protocol.roles import Action, Rank, may


def succ(state: GroupState, members: Members) -> bytes:
    """The identity key that succeeds an owner who is gone, of those in `members`: highest rank,
    then in it the longest (plain members: 2^64-1), then lowest leaf index."""

    def order(key: bytes) -> tuple[int, int, int]:
        return -state.rank_of(key), state.since_of(key), members[key][0].leaf_index

    return min(members, key=order)


def may_invite(state: GroupState, identity_key: bytes) -> bool:
    """By rank and setting in `state`; whether they have a leaf is another question."""
    return may(state.rank_of(identity_key).role, Action.INVITE, state.inviters)


def settle(
    before: GroupState, proposed: GroupState, members_after: Members, epoch: int
) -> GroupState:
    """`proposed` for `epoch` with what its members entail; `before` is the state of epoch - 1."""
    if proposed.direct is not None:
        return proposed
    settled = replace(proposed, roles=_settled_roles(before, proposed, members_after, epoch))
    return replace(settled, invites=_settled_invites(settled, members_after))


def _settled_roles(
    before: GroupState, proposed: GroupState, members_after: Members, epoch: int
) -> tuple[RoleEntry, ...]:
    """An owner whose last leaf goes is succeeded, whoever was proposed instead."""
    roles = tuple(entry for entry in proposed.roles if entry.key in members_after)
    owned = any(entry.rank is Rank.OWNER for entry in roles)
    if owned and before.owner in members_after:
        return roles
    heir = RoleEntry(succ(before, members_after), Rank.OWNER, epoch)
    others = [e for e in roles if e.rank is not Rank.OWNER and e.key != heir.key]
    return tuple(sorted((*others, heir), key=lambda entry: entry.key))


def _settled_invites(state: GroupState, members_after: Members) -> tuple[InviteEntry, ...]:
    return tuple(
        entry
        for entry in state.invites
        if entry.creator in members_after and may_invite(state, entry.creator)
    )
