"""One commit, taken apart: all that a rule may look at, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from coterie.governance.certificates import Certificate
from coterie.governance.changes import Change
from coterie.governance.leaves import Members, Seat
from coterie.governance.state import GroupState
from coterie.governance.warrants import Warrant
from coterie.mls import PublicGroup, StagedCommit
from coterie.protocol.roles import Action, Rank, may


@dataclass(frozen=True, slots=True)
class Step:
    """From epoch n to n+1. `proposed` is the state the commit writes, or `state` itself."""

    group: PublicGroup
    staged: StagedCommit
    state: GroupState
    proposed: GroupState
    seats: Mapping[int, Seat]
    """Of epoch n, by leaf index."""
    seats_after: Mapping[int, Seat]
    members: Members
    members_after: Members
    warrants: tuple[Warrant, ...]
    committer: Certificate

    @property
    def next_epoch(self) -> int:
        return self.group.epoch + 1

    @property
    def group_id(self) -> bytes:
        return self.group.group_id

    @property
    def rank(self) -> Rank:
        """The committer's, in epoch n: rights are judged by it."""
        return self.state.rank_of(self.committer.identity_key)

    def may(self, action: Action) -> bool:
        return may(self.rank.role, action, self.state.inviters)


@dataclass(frozen=True, slots=True)
class Finding:
    """A change that was found to be right, and the warrants it needed."""

    change: Change
    warrants: tuple[Warrant, ...] = ()
