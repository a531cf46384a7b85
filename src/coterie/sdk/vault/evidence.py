"""Commits that broke the rules, kept for ever: no chain that contains one is ever joined."""

from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import EvidenceRecord

_TABLE = b"evidence"


def add_evidence(
    tx: Transaction, conversation_id: UUID, commit_hash: bytes, evidence: EvidenceRecord
) -> None:
    tx.run(
        "INSERT OR IGNORE INTO evidence (hash, conversation_id, sealed) VALUES (?, ?, ?)",
        commit_hash,
        conversation_id.bytes,
        tx.close((_TABLE, commit_hash), evidence),
    )


def list_evidence(tx: Transaction, conversation_id: UUID) -> list[EvidenceRecord]:
    rows = tx.all(
        "SELECT hash, sealed FROM evidence WHERE conversation_id = ?", conversation_id.bytes
    )
    return [tx.open((_TABLE, key), sealed, EvidenceRecord) for key, sealed in rows]


def is_evidence(tx: Transaction, commit_hash: bytes) -> bool:
    return tx.one("SELECT 1 FROM evidence WHERE hash = ?", commit_hash) is not None
