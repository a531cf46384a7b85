"""Messages as they stand, and the reactions to them."""

from uuid import UUID

from coterie.sdk.errors import LogBroken
from coterie.sdk.vault.database import Row, Transaction
from coterie.sdk.vault.lost_messages import lost_message
from coterie.sdk.vault.records import MessageRecord, ReactionRecord

_GREATEST = 2**63 - 1
_TABLE = b"messages"
_REACTIONS = b"reactions"


def put_message(tx: Transaction, conversation_id: UUID, message: MessageRecord) -> None:
    """Raises LogBroken where another message stands already."""
    kept = tx.one(
        "INSERT INTO messages "
        "(conversation_id, seq, message_id, hash, origin, changed_seq, sealed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (conversation_id, seq) DO UPDATE SET "
        "changed_seq = excluded.changed_seq, sealed = excluded.sealed "
        "WHERE hash = excluded.hash AND message_id = excluded.message_id RETURNING 1",
        conversation_id.bytes,
        message.seq,
        message.message_id,
        message.hash,
        message.origin,
        message.changed_seq,
        tx.close(_place(conversation_id, message.seq), message),
    )
    if kept is None:
        raise LogBroken(f"entry {message.seq} is another than before")
    for file in message.files:
        tx.run(
            "INSERT OR IGNORE INTO attached_files (conversation_id, file_id, seq) VALUES (?, ?, ?)",
            conversation_id.bytes,
            file.file_id.bytes,
            message.seq,
        )


def get_message(tx: Transaction, conversation_id: UUID, message_id: int) -> MessageRecord | None:
    row = tx.one(
        "SELECT seq, sealed FROM messages WHERE conversation_id = ? AND message_id = ?",
        conversation_id.bytes,
        min(message_id, _GREATEST),
    )
    return None if row is None else _message(tx, conversation_id, row)


def first_seq_from(tx: Transaction, conversation_id: UUID, message_id: int) -> int | None:
    """Where this message stands, or if it is not here, the next one; None behind the last."""
    row = tx.one(
        "SELECT seq FROM messages WHERE conversation_id = ? AND message_id >= ? "
        "ORDER BY message_id LIMIT 1",
        conversation_id.bytes,
        min(message_id, _GREATEST),
    )
    return None if row is None else row[0]


def get_message_by_hash(
    tx: Transaction, conversation_id: UUID, message_hash: bytes
) -> MessageRecord | None:
    row = tx.one(
        "SELECT seq, sealed FROM messages WHERE conversation_id = ? AND hash = ?",
        conversation_id.bytes,
        message_hash,
    )
    return None if row is None else _message(tx, conversation_id, row)


def get_message_by_file(
    tx: Transaction, conversation_id: UUID, file_id: UUID
) -> MessageRecord | None:
    row = tx.one(
        "SELECT seq, sealed FROM attached_files JOIN messages USING (conversation_id, seq) "
        "WHERE conversation_id = ? AND file_id = ?",
        conversation_id.bytes,
        file_id.bytes,
    )
    return None if row is None else _message(tx, conversation_id, row)


def has_origin(tx: Transaction, conversation_id: UUID, origin: bytes) -> bool:
    """Whether this device has sent a message under this client_id before."""
    row = tx.one(
        "SELECT 1 FROM messages WHERE conversation_id = ? AND origin = ?",
        conversation_id.bytes,
        origin,
    )
    return row is not None


def list_messages(
    tx: Transaction, conversation_id: UUID, before_seq: int, limit: int
) -> list[MessageRecord]:
    """The newest before `before_seq`, oldest first."""
    rows = tx.all(
        "SELECT seq, sealed FROM messages WHERE conversation_id = ? AND seq < ? "
        "ORDER BY seq DESC LIMIT ?",
        conversation_id.bytes,
        before_seq,
        limit,
    )
    return [_message(tx, conversation_id, row) for row in reversed(rows)]


def list_messages_after(
    tx: Transaction, conversation_id: UUID, after_seq: int, limit: int
) -> list[MessageRecord]:
    """Oldest first."""
    rows = tx.all(
        "SELECT seq, sealed FROM messages WHERE conversation_id = ? AND seq > ? "
        "ORDER BY seq LIMIT ?",
        conversation_id.bytes,
        after_seq,
        limit,
    )
    return [_message(tx, conversation_id, row) for row in rows]


def list_messages_of_all(
    tx: Transaction, within: UUID | None, before_id: int, limit: int
) -> list[tuple[UUID, MessageRecord]]:
    """Those of every conversation, or of this one, with a number below; the newest first."""
    rows = tx.all(
        "SELECT conversation_id, message_id, seq, sealed FROM messages "
        "WHERE message_id < ?1 AND (?2 IS NULL OR conversation_id = ?2) UNION ALL "
        "SELECT conversation_id, message_id, NULL, sealed FROM lost_messages "
        "WHERE message_id < ?1 AND (?2 IS NULL OR conversation_id = ?2) "
        "ORDER BY message_id DESC LIMIT ?3",
        min(before_id, _GREATEST),
        None if within is None else within.bytes,
        limit,
    )
    found = ((UUID(bytes=row[0]), row[1:]) for row in rows)
    return [
        (
            place,
            lost_message(tx, place, (message_id, sealed))
            if seq is None
            else _message(tx, place, (seq, sealed)),
        )
        for place, (message_id, seq, sealed) in found
    ]


def list_changed_messages(
    tx: Transaction, conversation_id: UUID, after_seq: int
) -> list[MessageRecord]:
    """Those that an entry after `after_seq` made or changed, in the order of the changes."""
    rows = tx.all(
        "SELECT seq, sealed FROM messages WHERE conversation_id = ? AND changed_seq > ? "
        "ORDER BY changed_seq",
        conversation_id.bytes,
        after_seq,
    )
    return [_message(tx, conversation_id, row) for row in rows]


def remove_messages_after(tx: Transaction, conversation_id: UUID, seq: int) -> None:
    key = conversation_id.bytes
    tx.run("DELETE FROM attached_files WHERE conversation_id = ? AND seq > ?", key, seq)
    tx.run("DELETE FROM messages WHERE conversation_id = ? AND seq > ?", key, seq)


def list_reactions(tx: Transaction, conversation_id: UUID, message_id: int) -> list[ReactionRecord]:
    key = conversation_id.bytes
    rows = tx.all(
        "SELECT identity_key, token, sealed FROM reactions "
        "WHERE conversation_id = ? AND message_id = ? ORDER BY identity_key, token",
        key,
        message_id,
    )
    return [
        tx.open(_reaction_place(key, message_id, identity_key, token), sealed, ReactionRecord)
        for identity_key, token, sealed in rows
    ]


def get_reaction(
    tx: Transaction, conversation_id: UUID, message_id: int, identity_key: bytes, token: bytes
) -> ReactionRecord | None:
    key = conversation_id.bytes
    row = tx.one(
        "SELECT sealed FROM reactions WHERE conversation_id = ? AND message_id = ? "
        "AND identity_key = ? AND token = ?",
        key,
        message_id,
        identity_key,
        token,
    )
    place = _reaction_place(key, message_id, identity_key, token)
    return None if row is None else tx.open(place, row[0], ReactionRecord)


def put_reaction(
    tx: Transaction, conversation_id: UUID, message_id: int, reaction: ReactionRecord
) -> None:
    key, identity_key = conversation_id.bytes, reaction.who.identity_key
    tx.run(
        "INSERT OR REPLACE INTO reactions "
        "(conversation_id, message_id, identity_key, token, sealed) VALUES (?, ?, ?, ?, ?)",
        key,
        message_id,
        identity_key,
        reaction.token,
        tx.close(_reaction_place(key, message_id, identity_key, reaction.token), reaction),
    )


def remove_reactions(tx: Transaction, conversation_id: UUID, message_id: int) -> None:
    tx.run(
        "DELETE FROM reactions WHERE conversation_id = ? AND message_id = ?",
        conversation_id.bytes,
        message_id,
    )


def _message(tx: Transaction, conversation_id: UUID, row: Row) -> MessageRecord:
    seq, sealed = row
    return tx.open(_place(conversation_id, seq), sealed, MessageRecord)


def _place(conversation_id: UUID, seq: int) -> tuple[bytes, ...]:
    return _TABLE, conversation_id.bytes, seq.to_bytes(8, "big")


def _reaction_place(
    key: bytes, message_id: int, identity_key: bytes, token: bytes
) -> tuple[bytes, ...]:
    return _REACTIONS, key, message_id.to_bytes(8, "big"), identity_key, token
