"""Who has been seen under which name."""

from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import PinRecord

_TABLE = b"pins"


def get_pin(tx: Transaction, user_id: UUID) -> PinRecord | None:
    row = tx.one("SELECT user_id, sealed FROM pins WHERE user_id = ?", user_id.bytes)
    return _pin(tx, row)


def get_pin_by_name(tx: Transaction, username: str) -> PinRecord | None:
    tag = tx.tag(_TABLE, username)
    return _pin(tx, tx.one("SELECT user_id, sealed FROM pins WHERE name_tag = ?", tag))


def list_contested_pins(tx: Transaction) -> list[PinRecord]:
    """Those with a rival that nobody has accepted."""
    rows = tx.all("SELECT user_id, sealed FROM pins WHERE contested")
    return [tx.open((_TABLE, user_id), sealed, PinRecord) for user_id, sealed in rows]


def put_pin(tx: Transaction, pin: PinRecord) -> None:
    """Replaces what was pinned under this name."""
    tag, key = tx.tag(_TABLE, pin.username), pin.principal.user_id.bytes
    tx.run("DELETE FROM pins WHERE name_tag = ? OR user_id = ?", tag, key)
    tx.run(
        "INSERT INTO pins (user_id, name_tag, contested, sealed) VALUES (?, ?, ?, ?)",
        key,
        tag,
        pin.rival is not None,
        tx.close((_TABLE, key), pin),
    )


def _pin(tx: Transaction, row: tuple[bytes, bytes] | None) -> PinRecord | None:
    """Asked for with every message that is shown: so each is opened once."""
    if row is None:
        return None
    key, sealed = row
    return tx.recall(_TABLE + key, sealed, lambda: tx.open((_TABLE, key), sealed, PinRecord))
