"""A commit between being built and being adopted. It survives the death of the process.

The exact bytes and the complete next state are stored before anything is sent. Whoever comes next,
in whatever process, sends them again: the server answers a repeated commit as the first time. The
log then says whose commit won the epoch.
"""

from typing import Any
from uuid import UUID

import msgspec

from coterie.governance.leaves import members_of, state_of
from coterie.governance.signatures import hash_of
from coterie.mls import Group, PendingCommit
from coterie.protocol.api import API
from coterie.protocol.chain import first_link, next_link
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import Command, Commit, DeleteGroup, Done, LeaveGroup, Ordered
from coterie.protocol.errors import NotFound, Refused, Unavailable
from coterie.sdk.catching_up import catch_up
from coterie.sdk.clock import now
from coterie.sdk.epochs import enter_epoch
from coterie.sdk.errors import BadAnswer, EarlierGroup
from coterie.sdk.fields import require_well_formed
from coterie.sdk.log import Log
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.chains import put_link
from coterie.sdk.vault.conversations import get_conversation, put_conversation
from coterie.sdk.vault.pending_commits import (
    get_pending_commit,
    remove_pending_commit,
)
from coterie.sdk.vault.records import (
    AccountRecord,
    Consent,
    ConversationRecord,
    PendingCommitRecord,
    Standing,
)

_ENDPOINTS = {endpoint.command.__name__: endpoint for endpoint in API}


def on_the_wire(pending: PendingCommit) -> Commit:
    """The commit as a command carries it, with the GroupInfo of the epoch it makes."""
    return Commit(
        epoch=pending.group.epoch - 1,
        content=pending.commit,
        group_info=pending.group.group_info(with_tree=False),
    )


def record_of(
    conversation_id: UUID,
    command: Command,
    group: Group,
    commit: bytes,
    *,
    enters: bool = False,
    peer_id: UUID | None = None,
    unseen: tuple[bytes, ...] = (),
    consent: Consent = Consent.GIVEN,
) -> PendingCommitRecord:
    """What is stored before `command` is sent. Epoch 0 is made without a commit: b"".

    Raises BadInput: what the server cannot read must not wait to be sent.
    """
    require_well_formed(command)
    return PendingCommitRecord(
        conversation_id=conversation_id,
        epoch=group.epoch - 1 if commit else 0,
        command_name=type(command).__name__,
        command=JSON_ENCODER.encode(command),
        commit_hash=hash_of(commit or group.public.context.encoded),
        group=group.encode(),
        enters=enters,
        peer_id=peer_id,
        unseen=unseen,
        consent=consent,
    )


async def settle(profile: Profile, conversation_id: UUID) -> None:
    """See an older one through, whoever left it: afterwards there is none."""
    older = await profile.vault.read(lambda tx: get_pending_commit(tx, conversation_id))
    if older is None:
        return
    try:
        await finish(profile, older)
    except Refused as no:
        if isinstance(no.refusal, Unavailable):
            raise
    else:
        await catch_up(profile, conversation_id)


async def finish(profile: Profile, pending: PendingCommitRecord) -> None:
    """Send it (again) and drop it if it is refused; what is ordered, the log adopts.

    Raises Refused. After Unavailable or a lost connection it stays: its fate is not known.
    """
    endpoint = _ENDPOINTS[pending.command_name]
    command = msgspec.json.decode(pending.command, type=endpoint.command)
    try:
        answer: Any = await profile.connection.call(command, endpoint.result)
    except Refused as no:
        if not isinstance(no.refusal, Unavailable):
            await profile.vault.write(lambda tx: remove_pending_commit(tx, pending))
        raise
    if isinstance(command, LeaveGroup):
        await profile.vault.write(lambda tx: mark_left(tx, command.group_id))
    elif pending.enters:
        await profile.vault.write(lambda tx: _enter(tx, profile.account, pending, answer))


async def depart(profile: Profile, command: LeaveGroup | DeleteGroup) -> None:
    """Ask for it; this person is out then.

    A group that is not found has been left, or deleted: the answer that said so was lost. Raises
    Refused for anything else.
    """
    try:
        await profile.connection.call(command, Done)
    except Refused as no:
        if not isinstance(no.refusal, NotFound):
            raise
    await profile.vault.write(lambda tx: mark_left(tx, command.group_id))


def mark_left(tx: Transaction, conversation_id: UUID) -> None:
    """This person went by themselves; what was received stays readable."""
    record = get_conversation(tx, conversation_id)
    if record is not None:
        record.standing = Standing.REMOVED
        put_conversation(tx, record)
    pending = get_pending_commit(tx, conversation_id)
    if pending is not None:
        remove_pending_commit(tx, pending)


def _enter(
    tx: Transaction, account: AccountRecord, pending: PendingCommitRecord, ordered: Ordered
) -> None:
    """Begin this device's log of a conversation, or go on with it after a gap."""
    waiting = get_pending_commit(tx, pending.conversation_id)
    if waiting is None or waiting.commit_hash != pending.commit_hash:
        return  # another process was first, and may be at its next
    group = Group.decode(pending.group)
    if group.epoch != ordered.epoch:
        raise BadAnswer("a commit was ordered into another epoch")
    remove_pending_commit(tx, pending)
    seq, link = _cursor(pending, group, ordered)
    begin_log(
        tx,
        account,
        group,
        seq,
        link,
        peer_id=pending.peer_id,
        unseen=pending.unseen,
        consent=pending.consent,
    )


def _cursor(pending: PendingCommitRecord, group: Group, ordered: Ordered) -> tuple[int, bytes]:
    """Where the log begins: behind the entry that let this device in."""
    first = first_link(pending.conversation_id, state_of(group.public).genesis)
    if group.epoch == 0:
        return 0, first
    if ordered.seq == 1 and ordered.chain_before != first:
        raise BadAnswer("the log does not begin at its beginning")
    return ordered.seq, next_link(ordered.chain_before, ordered.seq, pending.commit_hash)


def begin_log(
    tx: Transaction,
    account: AccountRecord,
    group: Group,
    seq: int,
    link: bytes,
    *,
    peer_id: UUID | None = None,
    unseen: tuple[bytes, ...] = (),
    consent: Consent = Consent.GIVEN,
) -> None:
    """This device has entered with `group`, by entry `seq`; `link` is chain(seq).

    Raises EarlierGroup for a place before what this device has verified already.
    """
    conversation_id, state = UUID(bytes=group.group_id), state_of(group.public)
    before = get_conversation(tx, conversation_id)
    if before is not None and (group.epoch <= before.epoch or seq <= before.cursor):
        raise EarlierGroup("the server lets this device in before what it has seen already")
    record = ConversationRecord(
        conversation_id=conversation_id,
        peer_id=peer_id,
        state=state.encode(),
        epoch=group.epoch,
        keyed_epoch=group.epoch,
        first_seq=seq,
        cursor=seq,
        link=link,
        leaf_updated_at=now(),
        unseen=unseen,
        consent=consent,
    )
    if before is not None:  # what others said of the history is not undone by coming again
        record.forks, record.accepted_forks = before.forks, before.accepted_forks
        record.pinned = before.pinned
        record.muted, record.consent = before.muted, before.consent
        record.draft = before.draft
    log = Log(tx, account, record)
    put_link(tx, conversation_id, seq, link)
    enter_epoch(log, seq, group.public, group, state, members_of(group.public.tree))
    log.save()
