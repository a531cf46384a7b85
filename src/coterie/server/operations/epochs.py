"""Which commit makes the next epoch: judged, given its place, and written to SQL.

A commit is judged before the lock, on the public state as it was read. Under the lock everything is
asked again, and the compare-and-set of the epoch decides whether that judgement counts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import msgspec

from coterie.governance.accept import Verdict, accept
from coterie.governance.changes import (
    Change,
    DeviceAdded,
    DeviceRemoved,
    DeviceResynced,
    InviteClosed,
    LeafUpdated,
    PersonJoined,
    RoleChanged,
)
from coterie.governance.leaves import state_of
from coterie.governance.state import GroupState
from coterie.mls import PublicGroup
from coterie.protocol import limits
from coterie.protocol.commands import AdvanceEpoch, Commit, Ordered
from coterie.protocol.errors import CommitMismatch, EpochStale, Refused
from coterie.protocol.header import EntryKind, entry_hash
from coterie.protocol.roles import Action
from coterie.server.operations import access, changes, entries, states
from coterie.server.operations.access import Actor
from coterie.server.storage import conversations, epochs
from coterie.server.storage.database import Tx
from coterie.server.storage.entries import get_commit
from coterie.server.storage.tables import Conversation

Allow = Callable[[], Awaitable[Conversation]]
"""Whether the actor may, asked before the commit is judged and again under the lock."""


class Step(msgspec.Struct, frozen=True):
    """A commit that was accepted upon `before`, with the conversation locked at that epoch."""

    conversation: Conversation
    commit: Commit
    before: PublicGroup
    verdict: Verdict

    @property
    def state(self) -> GroupState:
        """The signed state before."""
        return state_of(self.before)

    @property
    def made(self) -> list[Change]:
        """What the commit does of its own accord, beside renewing the committer's keys."""
        return [change for change in self.verdict.changes if not _follows(change)]

    @property
    def identity_key(self) -> bytes:
        """The committer's."""
        return self.verdict.committer.identity_key


def _follows(change: Change) -> bool:
    match change:
        case RoleChanged(entailed=entailed) | InviteClosed(entailed=entailed):
            return entailed
        case LeafUpdated():
            return True
        case _:
            return False


async def begin(
    tx: Tx, actor: Actor, conversation_id: UUID, commit: Commit, allow: Allow
) -> Step | Ordered:
    """Judge a commit and take the lock; or the answer it was given when it was sent before.

    Raises what `allow` raises, CommitRefused, CommitMismatch for another device's commit, and
    EpochStale when another commit has made that epoch.
    """
    if ordered := await _find_ordered(tx, actor, conversation_id, commit):
        return ordered
    await allow()
    before = await states.current(tx, conversation_id)
    if before.epoch != commit.epoch:
        # it may have been ordered between the two looks, for a request sent twice at once
        if ordered := await _find_ordered(tx, actor, conversation_id, commit):
            return ordered
        raise Refused(EpochStale(before.epoch))
    verdict = await asyncio.to_thread(_judge, before, commit, actor.device_id)
    await _require_registered(tx, verdict)
    await conversations.lock_conversation(tx, conversation_id)
    if ordered := await _find_ordered(tx, actor, conversation_id, commit):
        return ordered
    conversation = await allow()
    if conversation.epoch != commit.epoch:
        raise Refused(EpochStale(conversation.epoch))
    return Step(conversation, commit, before, verdict)


async def _find_ordered(
    tx: Tx, actor: Actor, conversation_id: UUID, commit: Commit
) -> Ordered | None:
    """The place that this very commit of this device has already."""
    entry = await get_commit(tx, conversation_id, commit.epoch + 1)
    if entry is None or entry.device_id != actor.device_id:
        return None
    if entry.entry_hash != entry_hash(commit.content):
        return None
    chain_before = await entries.chain_at(tx, conversation_id, entry.seq - 1)
    return Ordered(
        conversation_id=conversation_id,
        seq=entry.seq,
        epoch=entry.epoch,
        chain_before=chain_before,
    )


def _judge(before: PublicGroup, commit: Commit, device_id: UUID) -> Verdict:
    verdict = accept(before, commit.content)
    if verdict.committer.device_id != device_id:
        raise Refused(CommitMismatch("another device made this commit"))
    states.check_group_info(verdict.after, commit.group_info, device_id)
    return verdict


async def _require_registered(tx: Tx, verdict: Verdict) -> None:
    for change in verdict.changes:
        match change:
            case PersonJoined() | DeviceAdded():
                await states.require_registered(
                    tx, change.user_id, change.device_id, change.device_key, change.identity_key
                )
            case _:
                pass


def require_match(matches: bool, detail: str) -> None:
    """The commit does what the command says, and nothing else."""
    if not matches:
        raise Refused(CommitMismatch(detail))


async def order(tx: Tx, actor: Actor, step: Step) -> Ordered:
    """Give the commit its place in the log, and write to SQL what it changes."""
    conversation, group = step.conversation, step.verdict.after
    entry = await entries.append(
        tx, actor, conversation, EntryKind.COMMIT, step.commit.content, epoch=group.epoch
    )
    await states.keep(tx, group)
    await epochs.set_group_info(
        tx, conversation.id, actor.device_id, group.epoch, step.commit.group_info
    )
    if conversation.group_id is not None:
        await changes.write(tx, conversation.group_id, step.verdict, entry.seq)
    return Ordered(
        conversation_id=conversation.id,
        seq=entry.seq,
        epoch=entry.epoch,
        chain_before=conversation.chain,
    )


async def advance_epoch(tx: Tx, actor: Actor, command: AdvanceEpoch) -> Ordered:
    allow = partial(access.require, tx, actor, command.conversation_id, Action.READ)
    step = await begin(tx, actor, command.conversation_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    for change in step.made:
        require_match(_needs_no_right(step, change), f"{type(change).__name__} has its own command")
    ordered = await order(tx, actor, step)
    _count(tx, actor, step)
    return ordered


def _count(tx: Tx, actor: Actor, step: Step) -> None:
    """What a device may do of its own accord makes everybody else's commits late."""
    device = actor.device_id, step.conversation.id
    if any(isinstance(change, DeviceResynced) for change in step.made):
        tx.spend((DeviceResynced, *device), limits.RESYNCS_PER_DEVICE)
    elif not step.made and not any(_certifies(change) for change in step.verdict.changes):
        tx.spend((LeafUpdated, *device), limits.UPDATES_PER_DEVICE)


def _needs_no_right(step: Step, change: Change) -> bool:
    match change:
        case DeviceResynced():
            return True
        case DeviceAdded(identity_key=key) | PersonJoined(identity_key=key):
            return key == step.identity_key
        case DeviceRemoved(warrant=warrant):
            return warrant != "rank"
        case RoleChanged(identity_key=key, before=before, after=after):
            return key == step.identity_key and after < before
        case InviteClosed(key=key, ended=ended):
            entry = step.state.invite(key)
            return ended or (entry is not None and entry.creator == step.identity_key)
        case _:
            return False


def _certifies(change: Change) -> bool:
    return isinstance(change, LeafUpdated) and change.certified
