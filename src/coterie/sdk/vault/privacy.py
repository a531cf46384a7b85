"""What this person lets others see of them."""

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import PrivacyRecord

_PLACE = (b"privacy",)


def get_privacy(tx: Transaction) -> PrivacyRecord:
    row = tx.one("SELECT sealed FROM privacy")
    return PrivacyRecord() if row is None else tx.open(_PLACE, row[0], PrivacyRecord)


def put_privacy(tx: Transaction, record: PrivacyRecord) -> None:
    tx.run("DELETE FROM privacy")
    tx.run("INSERT INTO privacy (sealed) VALUES (?)", tx.close(_PLACE, record))
