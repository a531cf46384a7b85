"""Which message shows the picture of whom: the newest that may, of each person and of the group."""

from typing import Final
from uuid import UUID

from coterie.sdk.vault.database import Transaction

OF_GROUP: Final = b""
"""In the place of an identity key."""


def put_avatar(tx: Transaction, conversation_id: UUID, identity_key: bytes, seq: int) -> None:
    """In place of the one before. `seq` is the message's."""
    tx.run(
        "INSERT OR REPLACE INTO avatars (conversation_id, identity_key, seq) VALUES (?, ?, ?)",
        conversation_id.bytes,
        identity_key,
        seq,
    )


def list_avatars(tx: Transaction, conversation_id: UUID) -> dict[bytes, int]:
    """The `seq` of the message, by identity key or OF_GROUP."""
    return dict(
        tx.all(
            "SELECT identity_key, seq FROM avatars WHERE conversation_id = ? ORDER BY identity_key",
            conversation_id.bytes,
        )
    )


def remove_avatar(tx: Transaction, conversation_id: UUID, seq: int) -> None:
    """The message is deleted."""
    key = conversation_id.bytes
    tx.run("DELETE FROM avatars WHERE conversation_id = ? AND seq = ?", key, seq)


def remove_avatars_after(tx: Transaction, conversation_id: UUID, seq: int) -> None:
    key = conversation_id.bytes
    tx.run("DELETE FROM avatars WHERE conversation_id = ? AND seq > ?", key, seq)
