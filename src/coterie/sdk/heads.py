"""Comparing views: the heads inside messages against this device's own chain.

Two members whom a server shows different histories find out by the first message between them.
"""

from collections.abc import Iterable
from uuid import UUID

from coterie.protocol.limits import FOREIGN_HEADS
from coterie.sdk.content import Body, ForeignHead, Head
from coterie.sdk.log import Log
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.chains import add_waiting_head, get_link, take_waiting_heads
from coterie.sdk.vault.conversations import (
    get_conversation,
    list_conversations,
    put_conversation,
)
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.records import ConversationRecord, HeadRecord, Standing


def own_head(log: Log) -> Head:
    """The newest entry this device has verified."""
    return Head(log.record.cursor, log.record.link)


def heads_for(log: Log) -> tuple[ForeignHead, ...]:
    """To a contact, the heads of the other conversations shared with them."""
    peer_id = log.record.peer_id
    if peer_id is None:
        return ()
    shared = (
        ForeignHead(record.conversation_id, record.cursor, record.link)
        for record in list_conversations(log.tx)
        if record.peer_id is None and _has_member(log.tx, record, peer_id)
    )
    return tuple(head for head, _ in zip(shared, range(FOREIGN_HEADS), strict=False))


def check_heads(log: Log, told_by: UUID, body: Body) -> None:
    """A head that contradicts what this device has seen is a fork: sending stops."""
    head = HeadRecord(body.head.seq, body.head.chain, told_by)
    _check(log.tx, log.record, head)
    if log.record.peer_id != told_by:
        return  # only a contact, in the direct conversation with them, tells of other ones
    for foreign in body.foreign_heads:
        other = get_conversation(log.tx, foreign.conversation_id)
        if other is None or other.peer_id is not None or not _has_member(log.tx, other, told_by):
            continue
        _check(log.tx, other, HeadRecord(foreign.seq, foreign.chain, told_by))
        put_conversation(log.tx, other)


def check_waiting_heads(log: Log) -> None:
    """Those this device has now caught up with."""
    for head in take_waiting_heads(log.tx, log.conversation_id, log.record.cursor):
        _check(log.tx, log.record, head)


def _check(tx: Transaction, record: ConversationRecord, head: HeadRecord) -> None:
    if head.seq > record.cursor:
        add_waiting_head(tx, record.conversation_id, head)
        return
    own = get_link(tx, record.conversation_id, head.seq)
    if own is not None and own != head.chain and record.forked_at is None:
        record.forked_at, record.forked_head = head.seq, head.chain


def _has_member(tx: Transaction, record: ConversationRecord, user_id: UUID) -> bool:
    seats: Iterable[UUID] = (seat.user_id for seat in list_seats(tx, record.conversation_id))
    return record.standing is Standing.MEMBER and user_id in seats
