"""What becomes of each message of a batch: its place in the log, or a refusal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.chain import next_link
from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.errors import (
    Blocked,
    EpochStale,
    Forbidden,
    Malformed,
    NotFound,
    RateLimited,
    Refusal,
    Refused,
    RemovalPending,
    SlowMode,
    Taken,
    TooLarge,
    Unavailable,
)
from coterie.protocol.header import (
    CONVERSATION,
    HEADER_BYTES,
    NO_TARGET,
    NONCE_BYTES,
    EntryKind,
    entry_hash,
)
from coterie.protocol.roles import Action
from coterie.server.operations.access import Actor
from coterie.server.operations.budgets import Budget
from coterie.server.operations.entries import read_header
from coterie.server.storage.batches import Judged, Numbered, Sent, Upload

TAG_BYTES: Final = 16
SHORTEST: Final = HEADER_BYTES + NONCE_BYTES + TAG_BYTES
LARGEST_EPOCH: Final = 2**63 - 1

Verdict = Numbered | Accepted | Refusal
"""To be written; written before, in the same words; or refused."""


def check(actor: Actor, command: SendMessage) -> Sent:
    """What can be told without the database. Raises Refused."""
    if len(command.entry) < SHORTEST:
        raise Refused(Malformed("the entry is too short"))
    if len(command.entry) > limits.ENTRY_BYTES:
        raise Refused(TooLarge("entry", limits.ENTRY_BYTES))
    header = read_header(actor, command.conversation_id, command.entry, EntryKind.MESSAGE)
    if header.epoch > LARGEST_EPOCH:
        raise Refused(Malformed("no group has lived through so many epochs"))
    if command.file_ids and len(set(command.file_ids)) != len(command.file_ids):
        raise Refused(Malformed("a file is attached twice"))
    return Sent(
        header.conversation_id,
        actor.user_id,
        header.device_id,
        header.epoch,
        None if header.target == NO_TARGET else header.target,
        command.entry,
        entry_hash(command.entry),
        tuple(command.file_ids),
    )


def decide(
    rows: Iterable[tuple[Sent, Judged]], uploads: Mapping[UUID, Upload], budget: Budget
) -> Iterator[Verdict]:
    """Number the accepted messages of each conversation in the order they came.

    What nobody may write costs their conversation nothing: strangers cannot silence it.
    """
    heads: dict[bytes, tuple[int, bytes]] = {}
    spoken: set[tuple[bytes, UUID]] = set()
    free = dict(uploads)
    for sent, judged in rows:
        conversation = sent.entry[CONVERSATION]
        if judged.verdict != "accepted":
            yield _unwritten(judged)
        elif judged.pause and (conversation, sent.sender_id) in spoken:
            yield SlowMode(judged.pause)
        elif wait := budget.take(sent.conversation_id.int):
            yield RateLimited(wait)
        elif not _take(sent, free):
            yield NotFound("file")
        else:
            seq, chain = heads.get(conversation, (judged.seq, judged.chain))
            chain = next_link(chain, seq + 1, sent.entry_hash)
            heads[conversation] = seq + 1, chain
            if slowed := judged.pause > 0:
                spoken.add((conversation, sent.sender_id))
            yield Numbered(sent, judged.recipient_id, judged.reply_to_id, seq + 1, chain, slowed)


def _take(sent: Sent, free: dict[UUID, Upload]) -> bool:
    """A file goes with one message, of whoever uploaded it, in the conversation it is meant for."""
    if not sent.file_ids:
        return True
    mine = Upload(sent.sender_id, sent.conversation_id)
    if any(free.get(file_id) != mine for file_id in sent.file_ids):
        return False
    for file_id in sent.file_ids:
        del free[file_id]
    return True


def _unwritten(judged: Judged) -> Accepted | Refusal:
    match judged.verdict:
        case "repeated":
            return Accepted(
                message_id=judged.message_id, seq=judged.first_seq, created_at=judged.created_at
            )
        case "stranger":
            return NotFound("conversation")
        case "forbidden":
            return Forbidden(Action.SEND)
        case "taken":
            return Taken("message")
        case "blocked":
            return Blocked()
        case "slow":
            return SlowMode(judged.wait)
        case "stale":
            return EpochStale(judged.epoch)
        case "removal_pending":
            return RemovalPending()
        case "no_target":
            return NotFound("message")
        case _:
            return Unavailable()
