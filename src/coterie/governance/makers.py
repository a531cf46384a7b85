"""The next state for each thing a person can do; pure, and without any check of rights.

Each takes the state of epoch n and gives the one proposed for n+1. `extensions_for` then settles
it with who is left and gives what the commit has to carry.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from coterie.governance.leaves import (
    Extensions,
    context_extensions,
    members_of,
    state_of,
    without_leaves,
)
from coterie.governance.state import BanEntry, GroupState, InviteEntry, RoleEntry
from coterie.governance.succession import settle
from coterie.mls import PublicGroup
from coterie.protocol.roles import History, Inviters, Rank


def first_state(genesis: bytes, server_key: bytes, owner: bytes, name: str) -> GroupState:
    """Epoch 0 of a group. `genesis`: 32 random bytes; `owner`: the creator's identity key."""
    roles = (RoleEntry(owner, Rank.OWNER, 0),)
    return GroupState(genesis, server_key, roles=roles, name=name)


def first_direct_state(genesis: bytes, server_key: bytes, one: bytes, other: bytes) -> GroupState:
    """Epoch 0, and every later one, of the direct conversation of two identity keys, or of one
    with itself."""
    first, second = sorted((one, other))
    return GroupState(genesis, server_key, direct=(first, second))


def with_role(state: GroupState, identity_key: bytes, rank: Rank, epoch: int) -> GroupState:
    """`epoch`: the one the role begins in, n+1. A plain member loses the entry."""
    if state.rank_of(identity_key) is rank:
        return state
    others = [entry for entry in state.roles if entry.key != identity_key]
    given = [] if rank is Rank.MEMBER else [RoleEntry(identity_key, rank, epoch)]
    return replace(state, roles=tuple(sorted(others + given, key=lambda entry: entry.key)))


def with_owner(state: GroupState, identity_key: bytes, epoch: int) -> GroupState:
    """The owner hands over and becomes admin."""
    if state.owner is None or state.owner == identity_key:
        return state
    demoted = with_role(state, state.owner, Rank.ADMIN, epoch)
    return with_role(demoted, identity_key, Rank.OWNER, epoch)


def with_invite(state: GroupState, key: bytes, creator: bytes, expires_at: int = 0) -> GroupState:
    """`expires_at` in ms since 1970; 0: never."""
    invites = (*state.invites, InviteEntry(key, creator, expires_at))
    return replace(state, invites=tuple(sorted(invites, key=lambda entry: entry.key)))


def without_invites(state: GroupState, keys: Iterable[bytes]) -> GroupState:
    closed = set(keys)
    return replace(
        state, invites=tuple(entry for entry in state.invites if entry.key not in closed)
    )


def with_ban(
    state: GroupState, identity_key: bytes, rank: Rank, keep_invites: Iterable[bytes] = ()
) -> GroupState:
    """`rank`: of who bans. Closes every open link but those kept: a ban shuts the door."""
    banned = (*state.banned, BanEntry(identity_key, rank))
    kept = set(keep_invites)
    return replace(
        state,
        banned=tuple(sorted(banned, key=lambda entry: entry.key)),
        invites=tuple(entry for entry in state.invites if entry.key in kept),
    )


def without_ban(state: GroupState, identity_key: bytes) -> GroupState:
    return replace(
        state, banned=tuple(entry for entry in state.banned if entry.key != identity_key)
    )


def with_name(state: GroupState, name: str) -> GroupState:
    return replace(state, name=name)


def with_policy(
    state: GroupState, *, history: History | None = None, inviters: Inviters | None = None
) -> GroupState:
    return replace(
        state,
        history=state.history if history is None else history,
        inviters=state.inviters if inviters is None else inviters,
    )


def without_own(state: GroupState, identity_key: bytes) -> GroupState:
    """Somebody who is about to leave drops their own role and invites."""
    own = [entry.key for entry in state.invites if entry.creator == identity_key]
    return with_role(without_invites(state, own), identity_key, Rank.MEMBER, 0)


def extensions_for(
    group: PublicGroup, proposed: GroupState, removes: Iterable[int] = ()
) -> Extensions | None:
    """The GroupContextExtensions of a commit upon `group` that removes these leaves and proposes
    this state; None when nothing of the state changes."""
    before = state_of(group)
    members_after = without_leaves(members_of(group.tree), removes)
    settled = settle(before, proposed, members_after, group.epoch + 1)
    return None if settled == before else context_extensions(settled)
