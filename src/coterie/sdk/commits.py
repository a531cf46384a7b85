"""Making commits: build upon the newest epoch, send, and begin again when another was first."""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

from coterie.governance.makers import extensions_for
from coterie.governance.state import GroupState
from coterie.governance.warrants import LeaveStatement, Warrant, encode_warrants
from coterie.mls import PendingCommit
from coterie.protocol.commands import AdvanceEpoch, Command, LeaveGroup
from coterie.protocol.errors import RateLimited, Refused
from coterie.protocol.limits import PROPOSALS_PER_COMMIT, UPDATE_SECONDS
from coterie.sdk.attempts import attempts
from coterie.sdk.catching_up import catch_up
from coterie.sdk.clock import now
from coterie.sdk.conversations import ready
from coterie.sdk.entering import won
from coterie.sdk.epochs import leaves_of
from coterie.sdk.log import Log
from coterie.sdk.pending import on_the_wire, record_of
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.pending_commits import add_pending_commit, get_pending_commit
from coterie.sdk.vault.records import ConversationRecord, PendingCommitRecord


class Proposed(NamedTuple):
    """A commit, and the command that carries it."""

    command: Command
    pending: PendingCommit


Build = Callable[[Log], Proposed | None]
"""Builds upon the log as it stands; None when there is nothing to do any more."""


async def commit(profile: Profile, conversation_id: UUID, build: Build) -> bool:
    """See a change through, however many others commit meanwhile; False if there was none to make.

    Raises Refused by what the server says, and what `build` raises.
    """
    async for _ in attempts():
        await ready(profile, conversation_id)
        proposal = await profile.vault.write(
            lambda tx: _propose(tx, profile, conversation_id, build)
        )
        if proposal.nothing:
            return False
        if proposal.pending is not None and await won(profile, proposal.pending):
            if proposal.pending.command_name != LeaveGroup.__name__:
                await catch_up(profile, conversation_id)
            return True
    raise AssertionError("attempts end by raising")


def change(
    log: Log,
    proposed: GroupState,
    *,
    removes: Iterable[int] = (),
    warrants: Iterable[Warrant] = (),
) -> PendingCommit | None:
    """The commit that makes `proposed` the state and removes leaves; None if that is as it is."""
    leaves = list(removes)
    extensions = extensions_for(log.public, proposed, leaves)
    if extensions is None and not leaves:
        return None
    return log.group.commit(
        removes=leaves,
        group_context_extensions=extensions,
        authenticated_data=encode_warrants(warrants),
    )


async def remove_leavers(profile: Profile, conversation_id: UUID) -> None:
    """Take the keys of those who left: until that is done nobody sends.

    As many at a time as a commit takes, beside the change of the group's state it may need.
    """

    def build(log: Log) -> Proposed | None:
        leaves: list[int] = []
        warrants: list[LeaveStatement] = []
        for statement in log.record.leavers:
            theirs = leaves_of(log.public.tree, statement)
            if len(leaves) + len(theirs) < PROPOSALS_PER_COMMIT:
                leaves += theirs
                warrants.append(LeaveStatement.decode(statement))
        pending = change(log, log.state, removes=sorted(leaves), warrants=warrants)
        return pending and _advance(log, pending)

    while await commit(profile, conversation_id, build):
        pass


async def update_leaf(profile: Profile, record: ConversationRecord) -> None:
    """Fresh keys for the own leaf, once a week: what was copied of them is useless then."""

    def build(log: Log) -> Proposed | None:
        if not _is_due(log.record):
            return None
        return _advance(log, log.group.commit(force_path=True))

    if _is_due(record):
        try:
            await commit(profile, record.conversation_id, build)
        except Refused as no:
            if not isinstance(no.refusal, RateLimited):
                raise


class _Proposal(NamedTuple):
    """`pending` is None when there is nothing to do, or when another process is at work."""

    pending: PendingCommitRecord | None
    nothing: bool = False


def _propose(tx: Transaction, profile: Profile, conversation_id: UUID, build: Build) -> _Proposal:
    if get_pending_commit(tx, conversation_id) is not None:
        return _Proposal(None)
    log = Log.load(tx, profile.account, conversation_id)
    if not log.keyed:
        return _Proposal(None)
    proposed = build(log)
    if proposed is None:
        return _Proposal(None, nothing=True)
    made = proposed.pending
    pending = record_of(conversation_id, proposed.command, made.group, made.commit)
    add_pending_commit(tx, pending)
    return _Proposal(pending)


def _advance(log: Log, pending: PendingCommit) -> Proposed:
    command = AdvanceEpoch(conversation_id=log.conversation_id, commit=on_the_wire(pending))
    return Proposed(command, pending)


def _is_due(record: ConversationRecord) -> bool:
    return (now() - record.leaf_updated_at).total_seconds() >= UPDATE_SECONDS
