"""What is on its way out and not yet acknowledged."""

from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import OutboxRecord

_TABLE = b"outbox"


def put_outgoing(tx: Transaction, outgoing: OutboxRecord) -> None:
    key = outgoing.client_id.bytes
    sealed = tx.close((_TABLE, key), outgoing)
    tx.run("INSERT OR REPLACE INTO outbox (client_id, sealed) VALUES (?, ?)", key, sealed)


def list_outgoing(tx: Transaction) -> list[OutboxRecord]:
    """The oldest first: a UUIDv7 begins with its time."""
    rows = tx.all("SELECT client_id, sealed FROM outbox ORDER BY client_id")
    return [tx.open((_TABLE, key), sealed, OutboxRecord) for key, sealed in rows]


def remove_outgoing(tx: Transaction, client_id: UUID) -> None:
    tx.run("DELETE FROM outbox WHERE client_id = ?", client_id.bytes)
