"""Comparing views: the heads inside messages against this device's own chain.

Two members whom a server shows different histories find out by the first message between them.
"""

from coterie.protocol.limits import FOREIGN_HEADS
from coterie.sdk.content import Body, ForeignHead, Head
from coterie.sdk.log import Log
from coterie.sdk.people import peer_of, seated
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.chains import add_waiting_head, get_link, take_waiting_heads
from coterie.sdk.vault.conversations import (
    get_conversation,
    list_conversations,
    put_conversation,
)
from coterie.sdk.vault.records import ConversationRecord, HeadRecord, Principal, Standing


def own_head(log: Log) -> Head:
    """The newest entry this device has verified."""
    return Head(log.record.cursor, log.record.link)


def heads_for(log: Log) -> tuple[ForeignHead, ...]:
    """To a contact, the heads of the other conversations shared with them."""
    peer = peer_of(log.tx, log.record)
    if peer is None:
        return ()
    shared = (
        ForeignHead(record.conversation_id, record.cursor, record.link)
        for record in list_conversations(log.tx)
        if record.peer_id is None and _has_member(log.tx, record, peer)
    )
    return tuple(head for head, _ in zip(shared, range(FOREIGN_HEADS), strict=False))


def check_heads(log: Log, told_by: Principal, body: Body) -> None:
    """A head that contradicts what this device has seen is a fork: sending stops.

    Nobody knows a head before it is there. One that this log reaches only with the entry it stands
    in, or later, contradicts it too: the sender was shown entries that are missing here.
    """
    head = HeadRecord(body.head.seq, body.head.chain, told_by)
    if head.seq > log.record.cursor or _contradicts(log.tx, log.record, head):
        _note_fork(log.record, head)
    if peer_of(log.tx, log.record) != told_by:
        return  # only a contact, in the direct conversation with them, tells of other ones
    for foreign in body.foreign_heads:
        other = get_conversation(log.tx, foreign.conversation_id)
        if other is None or other.peer_id is not None or not _has_member(log.tx, other, told_by):
            continue
        _check_foreign(log.tx, other, HeadRecord(foreign.seq, foreign.chain, told_by))


def check_waiting_heads(log: Log) -> None:
    """Those this device has now caught up with."""
    for head in take_waiting_heads(log.tx, log.conversation_id, log.record.cursor):
        if _contradicts(log.tx, log.record, head):
            _note_fork(log.record, head)


def _check_foreign(tx: Transaction, record: ConversationRecord, head: HeadRecord) -> None:
    """Of another conversation, which this device may still have to catch up with."""
    if head.seq > record.cursor:
        add_waiting_head(tx, record.conversation_id, head)
    elif _contradicts(tx, record, head):
        _note_fork(record, head)
        put_conversation(tx, record)


def _contradicts(tx: Transaction, record: ConversationRecord, head: HeadRecord) -> bool:
    """What was there before this device came is not compared."""
    own = get_link(tx, record.conversation_id, head.seq)
    return own is not None and own != head.chain


def _note_fork(record: ConversationRecord, head: HeadRecord) -> None:
    """Until it is accepted, the first of each person stands for what they say after it."""
    if head not in record.accepted_forks and all(
        one.told_by != head.told_by for one in record.forks
    ):
        record.forks += (head,)


def _has_member(tx: Transaction, record: ConversationRecord, who: Principal) -> bool:
    return record.standing is Standing.MEMBER and who in seated(tx, record.conversation_id)
