"""Commits between being built and being ordered: at most one in a conversation."""

from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import PendingCommitRecord

_TABLE = b"pending_commits"


def get_pending_commit(tx: Transaction, conversation_id: UUID) -> PendingCommitRecord | None:
    key = conversation_id.bytes
    row = tx.one("SELECT sealed FROM pending_commits WHERE conversation_id = ?", key)
    return None if row is None else tx.open((_TABLE, key), row[0], PendingCommitRecord)


def list_pending_commits(tx: Transaction) -> list[PendingCommitRecord]:
    rows = tx.all("SELECT conversation_id, sealed FROM pending_commits")
    return [tx.open((_TABLE, key), sealed, PendingCommitRecord) for key, sealed in rows]


def add_pending_commit(tx: Transaction, pending: PendingCommitRecord) -> None:
    key = pending.conversation_id.bytes
    tx.run(
        "INSERT INTO pending_commits (conversation_id, sealed) VALUES (?, ?)",
        key,
        tx.close((_TABLE, key), pending),
    )


def remove_pending_commit(tx: Transaction, pending: PendingCommitRecord) -> None:
    """Forget this one; another that took its place meanwhile stays."""
    found = get_pending_commit(tx, pending.conversation_id)
    if found is not None and found.commit_hash == pending.commit_hash:
        key = pending.conversation_id.bytes
        tx.run("DELETE FROM pending_commits WHERE conversation_id = ?", key)
