"""From epoch to epoch: what commits do to a conversation, and what statements ask for.

Whether a commit is accepted is `governance.accept` and nothing else. A commit it refuses stops the
conversation for good. One that is valid in public and fails in its secret half is followed in
public, until the device has entered again (`entering.resync`).
"""

from collections.abc import Iterable

from coterie.governance.accept import Verdict, accept
from coterie.governance.changes import Change, DeviceRemoved, PersonJoined, PolicyChanged
from coterie.governance.encoding import EncodingError
from coterie.governance.leaves import Members, members_of
from coterie.governance.signatures import BadSignature, hash_of
from coterie.governance.state import GroupState
from coterie.governance.warrants import LeaveStatement
from coterie.mls import Group, MLSError, PublicGroup, RatchetTree, StagedCommit
from coterie.protocol.commands import Entry
from coterie.protocol.errors import CommitRefused, Refused
from coterie.sdk.clock import now
from coterie.sdk.content import content_key
from coterie.sdk.device_lists import note_device_lists
from coterie.sdk.errors import LogBroken
from coterie.sdk.log import Log
from coterie.sdk.people import holder, note_identity
from coterie.sdk.vault.epochs import put_epoch, put_seats
from coterie.sdk.vault.evidence import add_evidence
from coterie.sdk.vault.pending_commits import get_pending_commit, remove_pending_commit
from coterie.sdk.vault.records import (
    AccountRecord,
    EpochRecord,
    EvidenceRecord,
    Finding,
    PolicyRecord,
    Principal,
    SeatRecord,
    Standing,
)


def apply_commit(log: Log, entry: Entry) -> None:
    """Adopt the own commit, process another's, or stop."""
    if entry.content is None:
        raise LogBroken(f"the commit at entry {entry.seq} is missing")
    try:
        verdict = accept(log.public, entry.content)
    except Refused as no:
        _halt(log, entry.seq, entry.content, no)
        return
    note_device_lists(log.tx, verdict.device_lists)
    own = _take_own(log, entry.hash)
    _note_removals(log, verdict.changes)
    _note_policy(log, entry.seq, verdict)
    if not _sits_in(verdict.after, log.account):
        log.record.standing = Standing.REMOVED
        return
    log.record.last_committer = verdict.staged.committer
    group = own or _process(log, verdict.staged)
    enter_epoch(log, entry.seq, verdict.after, group, verdict.state, verdict.members)
    _note_committer(log, verdict.committer.identity_key, own=own is not None)


def enter_epoch(
    log: Log,
    seq: int,
    public: PublicGroup,
    group: Group | None,
    state: GroupState,
    members: Members,
) -> None:
    """The epoch that begins with entry `seq`; without `group`, in public only."""
    log.advance(public, group, state)
    key = group and content_key(group, log.conversation_id)
    record = EpochRecord(seq, hash_of(public.context.encoded), key)
    put_epoch(log.tx, log.conversation_id, public.epoch, record)
    for seat in put_seats(log.tx, log.conversation_id, seat_records(members, state)):
        note_identity(log.tx, holder(seat))
        log.came.add(holder(seat))
    log.record.leavers = tuple(
        statement for statement in log.record.leavers if leaves_of(public.tree, statement)
    )


def apply_statement(log: Log, entry: Entry) -> None:
    """Somebody leaves: whoever sends next commits the removal of the seats it names.

    Raises LogBroken for what is no statement: it could be anything that the server calls one.
    """
    content = entry.content or b""
    if content in log.record.leavers:
        return
    try:
        statement = LeaveStatement.decode(content)
        statement.verify(log.conversation_id.bytes)
    except (EncodingError, BadSignature):
        raise LogBroken(f"entry {entry.seq} is no statement of somebody who leaves") from None
    if leaves_of(log.public.tree, content):
        log.record.leavers += (content,)


def leaves_of(tree: RatchetTree, statement: bytes) -> list[int]:
    """The leaves that a leave statement takes away, of those still in the tree."""
    left = LeaveStatement.decode(statement)
    for seats in members_of(tree).values():
        if any(seat.device_key == left.device_key for seat in seats):
            return [seat.leaf_index for seat in seats if seat.seat in left.seats]
    return []


def seat_records(members: Members, state: GroupState) -> list[SeatRecord]:
    return [
        SeatRecord(
            seat.device_id,
            seat.user_id,
            key,
            seat.device_key,
            state.rank_of(key),
            seat.certificate.provisional,
        )
        for key, seats in members.items()
        for seat in seats
    ]


def _take_own(log: Log, commit_hash: bytes) -> Group | None:
    """The state stored before sending, if this commit is the one sent; a loser is dropped."""
    pending = get_pending_commit(log.tx, log.conversation_id)
    if pending is None:
        return None
    remove_pending_commit(log.tx, pending)
    return Group.decode(pending.group) if pending.commit_hash == commit_hash else None


def _process(log: Log, staged: StagedCommit) -> Group | None:
    """The next secret state; None when the secret half of the commit is wrong, or was before."""
    if not log.keyed:
        return None
    try:
        return log.group.process_staged(staged)
    except MLSError:
        return None


def _note_removals(log: Log, changes: Iterable[Change]) -> None:
    """By whose word somebody went is seen only in the commit."""
    for change in changes:
        noted = log.record.removed_by_server
        match change:
            case DeviceRemoved(warrant="server"):
                who = Principal(change.user_id, change.identity_key)
                log.record.removed_by_server = tuple(dict.fromkeys([*noted, who]))
            case PersonJoined():
                who = Principal(change.user_id, change.identity_key)
                log.record.removed_by_server = tuple(one for one in noted if one != who)
            case _:
                pass


def _note_policy(log: Log, seq: int, verdict: Verdict) -> None:
    """Everybody is told of this, and by whom."""
    if any(isinstance(change, PolicyChanged) for change in verdict.changes):
        by = verdict.committer
        log.record.policy = PolicyRecord(seq, Principal(by.user_id, by.identity_key))


def _sits_in(public: PublicGroup, account: AccountRecord) -> bool:
    own = account.device_key
    return any(leaf.signature_key == own for _, leaf in public.tree.leaves())


def _halt(log: Log, seq: int, commit: bytes, no: Refused) -> None:
    refusal = no.refusal
    rule = refusal.rule if isinstance(refusal, CommitRefused) else type(refusal).__name__
    detail = refusal.detail if isinstance(refusal, CommitRefused) else str(no)
    log.record.standing, log.record.finding = Standing.HALTED, Finding(rule, detail)
    evidence = EvidenceRecord(seq, commit, log.public.encode(), log.record.finding)
    add_evidence(log.tx, log.conversation_id, hash_of(commit), evidence)


def _note_committer(log: Log, identity_key: bytes, *, own: bool) -> None:
    if own:
        log.record.leaf_updated_at = now()
    elif identity_key in log.record.unseen:
        log.record.unseen = ()
