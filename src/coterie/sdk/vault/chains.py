"""The chain value of each entry, and heads that others vouched for ahead of it."""

from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import HeadRecord

_LINKS = b"links"
_HEADS = b"waiting_heads"


def get_link(tx: Transaction, conversation_id: UUID, seq: int) -> bytes | None:
    row = tx.one(
        "SELECT sealed FROM links WHERE conversation_id = ? AND seq = ?",
        conversation_id.bytes,
        seq,
    )
    return None if row is None else tx.open(_place(_LINKS, conversation_id, seq), row[0], bytes)


def put_link(tx: Transaction, conversation_id: UUID, seq: int, link: bytes) -> None:
    tx.run(
        "INSERT OR REPLACE INTO links (conversation_id, seq, sealed) VALUES (?, ?, ?)",
        conversation_id.bytes,
        seq,
        tx.close(_place(_LINKS, conversation_id, seq), link),
    )


def remove_links_after(tx: Transaction, conversation_id: UUID, seq: int) -> None:
    """And the heads that others vouched for behind it."""
    key = conversation_id.bytes
    tx.run("DELETE FROM links WHERE conversation_id = ? AND seq > ?", key, seq)
    tx.run("DELETE FROM waiting_heads WHERE conversation_id = ? AND seq > ?", key, seq)


def add_waiting_head(tx: Transaction, conversation_id: UUID, head: HeadRecord) -> None:
    """Of each person the lowest waits: later ones cover it, and might never be reached."""
    tx.run(
        "INSERT INTO waiting_heads (conversation_id, teller_tag, seq, sealed) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (conversation_id, teller_tag) DO UPDATE "
        "SET seq = excluded.seq, sealed = excluded.sealed WHERE excluded.seq < seq",
        conversation_id.bytes,
        tx.tag(_HEADS, head.told_by.identity_key.hex()),
        head.seq,
        tx.close(_place(_HEADS, conversation_id, head.seq), head),
    )


def take_waiting_heads(tx: Transaction, conversation_id: UUID, seq: int) -> list[HeadRecord]:
    """Those up to `seq`; they wait no longer."""
    key = conversation_id.bytes
    rows = tx.all(
        "SELECT seq, sealed FROM waiting_heads WHERE conversation_id = ? AND seq <= ?", key, seq
    )
    if rows:
        tx.run("DELETE FROM waiting_heads WHERE conversation_id = ? AND seq <= ?", key, seq)
    return [tx.open(_place(_HEADS, conversation_id, at), sealed, HeadRecord) for at, sealed in rows]


def _place(table: bytes, conversation_id: UUID, seq: int) -> tuple[bytes, ...]:
    return table, conversation_id.bytes, seq.to_bytes(8, "big")
