"""Messages that the server has lost, as after a restore, and this device has not."""

from uuid import UUID

from coterie.sdk.vault.database import Row, Transaction
from coterie.sdk.vault.records import MessageRecord

_GREATEST = 2**63 - 1
_TABLE = b"lost_messages"


def put_lost_message(
    tx: Transaction, conversation_id: UUID, after_seq: int, message: MessageRecord
) -> None:
    """Where it stands from now on: behind the entry `after_seq`, before the next."""
    tx.run(
        "INSERT OR REPLACE INTO lost_messages (conversation_id, message_id, after_seq, sealed) "
        "VALUES (?, ?, ?, ?)",
        conversation_id.bytes,
        message.message_id,
        after_seq,
        tx.close(_place(conversation_id, message.message_id), message),
    )


def move_lost_messages(tx: Transaction, conversation_id: UUID, after_seq: int) -> None:
    """Those that stood behind a later entry, which is lost now as well."""
    tx.run(
        "UPDATE lost_messages SET after_seq = ?2 WHERE conversation_id = ?1 AND after_seq > ?2",
        conversation_id.bytes,
        after_seq,
    )


def get_lost_place(tx: Transaction, conversation_id: UUID, message_id: int) -> int | None:
    """The entry behind which a lost message stands."""
    row = tx.one(
        "SELECT after_seq FROM lost_messages WHERE conversation_id = ? AND message_id = ?",
        conversation_id.bytes,
        min(message_id, _GREATEST),
    )
    return None if row is None else row[0]


def list_lost_messages(
    tx: Transaction, conversation_id: UUID, before: tuple[int, int], limit: int
) -> list[tuple[int, MessageRecord]]:
    """The newest before `(after_seq, message_id)`, each with its after_seq; oldest first."""
    rows = tx.all(
        "SELECT message_id, sealed, after_seq FROM lost_messages WHERE conversation_id = ? "
        "AND (after_seq, message_id) < (?, ?) ORDER BY after_seq DESC, message_id DESC LIMIT ?",
        conversation_id.bytes,
        *before,
        limit,
    )
    return [(row[2], lost_message(tx, conversation_id, row[:2])) for row in reversed(rows)]


def lost_message(tx: Transaction, conversation_id: UUID, row: Row) -> MessageRecord:
    message_id, sealed = row
    return tx.open(_place(conversation_id, message_id), sealed, MessageRecord)


def _place(conversation_id: UUID, message_id: int) -> tuple[bytes, ...]:
    return _TABLE, conversation_id.bytes, message_id.to_bytes(8, "big")
