"""Whether a commit is accepted: one pure function of the public state and the commit's bytes.

Server and clients run the same rules on the same vectors. No clock, pin, flag or use count is an
input: those decide whether one makes a commit, whether the server orders it and what a client
shows, never whether it is right.
"""

from dataclasses import dataclass

from coterie.governance.certificates import Certificate
from coterie.governance.changes import Change
from coterie.governance.device_lists import DeviceList
from coterie.governance.leaves import GROUP_ID_BYTES, SUITE, Members, members_of
from coterie.governance.rules.difference import judge_state
from coterie.governance.rules.entering import (
    check_all_used,
    check_lists,
    judge_adds,
    judge_entry,
    judge_path,
    lists_in,
)
from coterie.governance.rules.form import take_apart
from coterie.governance.rules.leaf import check_entering_leaf
from coterie.governance.rules.removing import judge_removes
from coterie.governance.rules.rule import Rule, demand
from coterie.governance.rules.state_form import check_state, read_state
from coterie.governance.rules.step import Finding, Step
from coterie.governance.rules.tree import check_tree
from coterie.governance.signatures import is_valid_key
from coterie.governance.state import GroupState, RoleEntry
from coterie.mls import PublicGroup, StagedCommit
from coterie.protocol.roles import Rank


@dataclass(frozen=True, slots=True)
class Verdict:
    """An accepted commit: what it changes, and epoch n+1."""

    changes: tuple[Change, ...]
    staged: StagedCommit
    """For members, who have its secret half still to check."""
    state: GroupState
    members: Members
    """Of epoch n+1."""
    committer: Certificate
    """As it stands in the tree of epoch n+1."""
    device_lists: tuple[DeviceList, ...]
    """Those it brings, each signed by its identity."""

    @property
    def after(self) -> PublicGroup:
        return self.staged.after


def accept(before: PublicGroup, commit: bytes) -> Verdict:
    """Judge `commit` upon epoch n. Raises Refused(CommitRefused(rule, detail)).

    `before` must have been accepted itself: by `accept`, `accept_genesis` or `verify_chain`.
    """
    step = take_apart(before, commit)
    check_lists(step)
    leaves = _judge_leaves(step)
    check_tree(step.proposed, step.members_after)
    findings = [*leaves, *judge_state(step)]
    check_all_used(step, findings)
    changes = tuple(finding.change for finding in findings)
    return Verdict(
        changes, step.staged, step.proposed, step.members_after, step.committer, lists_in(step)
    )


def _judge_leaves(step: Step) -> list[Finding]:
    if step.staged.sender is None:
        return judge_entry(step)
    return [*judge_path(step), *judge_adds(step), *judge_removes(step)]


def accept_genesis(group: PublicGroup, *, server_key: bytes) -> GroupState:
    """Judge epoch 0 of a group or direct conversation of the server with this key.

    `group` comes from `PublicGroup.from_anchor`. Raises Refused(CommitRefused(rule, detail)).
    """
    context = group.context
    demand(
        context.epoch == 0
        and context.cipher_suite == SUITE
        and len(context.group_id) == GROUP_ID_BYTES
        and context.confirmed_transcript_hash == b"",
        Rule.GENESIS_CONTEXT,
        "this is not epoch 0 of a group of this protocol",
    )
    owner = _only_member(group)
    state = read_state(group.extensions)
    check_state(state)
    check_tree(state, members_of(group.tree))
    demand(
        state.server_key == server_key and is_valid_key(server_key),
        Rule.GENESIS_SERVER,
        "the state names another server",
    )
    _check_first_state(state, owner)
    return state


def _only_member(group: PublicGroup) -> bytes:
    """The identity key of the one leaf."""
    leaves = [leaf for _, leaf in group.tree.leaves()]
    demand(len(leaves) == 1, Rule.GENESIS_LEAF, "epoch 0 has one leaf")
    check_entering_leaf(leaves[0])
    (identity_key,) = members_of(group.tree)
    return identity_key


def _check_first_state(state: GroupState, owner: bytes) -> None:
    if state.direct is not None:
        first = all(map(is_valid_key, state.direct))
    else:
        roles = (RoleEntry(owner, Rank.OWNER, 0),)
        first = state.roles == roles and not state.invites and not state.banned
    demand(
        first,
        Rule.GENESIS_STATE,
        "a group begins with its owner and nothing else, a direct conversation with one of two",
    )
