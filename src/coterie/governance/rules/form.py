"""The form of a commit, before anything is judged: what it may consist of."""

from collections.abc import Mapping
from typing import Final

from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import Extensions, Seat, by_identity, seat_at, seats_of, state_of
from coterie.governance.rules.leaf import check_entering_leaf, check_package, check_path_leaf
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.rules.state_form import check_state, read_state
from coterie.governance.rules.step import Step
from coterie.governance.state import GroupState
from coterie.governance.warrants import Warrant, decode_warrants
from coterie.mls import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    MLSError,
    PublicGroup,
    Remove,
    StagedCommit,
)
from coterie.protocol import limits

_MEMBER_KINDS: Final = (Add, Remove, GroupContextExtensions)
_EXTERNAL_KINDS: Final = (ExternalInit, Remove)


def take_apart(group: PublicGroup, commit: bytes) -> Step:
    """What the rules judge. Refuses what is not of the form of a commit."""
    staged = _staged(group, commit)
    _check_kinds(staged)
    _check_leaves(group, staged)
    state = state_of(group)
    seats = seats_of(group.tree)
    seats_after = _seats_after(seats, staged)
    return Step(
        group=group,
        staged=staged,
        state=state,
        proposed=_proposed(state, staged.group_context_extensions),
        seats=seats,
        seats_after=seats_after,
        members=by_identity(seats.values()),
        members_after=by_identity(seats_after.values()),
        warrants=_warrants(staged.authenticated_data),
        committer=seats_after[staged.committer].certificate,
    )


def _seats_after(seats: Mapping[int, Seat], staged: StagedCommit) -> dict[int, Seat]:
    """Those of tree n+1, in the order of its leaves; all but the committer's and the added ones
    are as they were, for a commit holds no Update."""
    after = {index: seat for index, seat in seats.items() if index not in set(staged.removes)}
    for index in (*staged.added, staged.committer):
        leaf = staged.after.tree.leaf(index)
        if leaf is not None:
            after[index] = seat_at(index, leaf)
    return dict(sorted(after.items()))


def _staged(group: PublicGroup, commit: bytes) -> StagedCommit:
    """By RFC 9420, as far as public state can tell: proposals by value, signatures, the path."""
    demand(
        len(commit) <= limits.COMMIT_BYTES,
        Rule.COMMIT_SIZE,
        f"the commit has more than {limits.COMMIT_BYTES} bytes",
    )
    try:
        return group.stage(commit)
    except MLSError as error:
        refuse(Rule.COMMIT_MLS, str(error))


def _check_kinds(staged: StagedCommit) -> None:
    """A member adds, removes and changes the state; who comes from outside may only enter."""
    demand(
        len(staged.proposals) <= limits.PROPOSALS_PER_COMMIT,
        Rule.COMMIT_COUNT,
        f"the commit has more than {limits.PROPOSALS_PER_COMMIT} proposals",
    )
    allowed = _EXTERNAL_KINDS if staged.sender is None else _MEMBER_KINDS
    for proposal in staged.proposals:
        name = type(proposal).__name__
        demand(isinstance(proposal, allowed), Rule.COMMIT_KINDS, f"{name} has no place here")


def _check_leaves(group: PublicGroup, staged: StagedCommit) -> None:
    """Only leaves that are new or renewed: the others were checked when they entered."""
    for package in staged.adds:
        check_package(package)
    if staged.path_leaf is None:
        return
    if staged.sender is None:
        check_entering_leaf(staged.path_leaf)
    else:
        check_path_leaf(group.tree.leaf(staged.sender), staged.path_leaf)


def _proposed(state: GroupState, extensions: Extensions | None) -> GroupState:
    if extensions is None:
        return state
    proposed = read_state(extensions)
    check_state(proposed)
    return proposed


def _warrants(data: bytes) -> tuple[Warrant, ...]:
    try:
        return decode_warrants(data)
    except EncodingError as error:
        refuse(Rule.WARRANT_ENCODING, str(error))
