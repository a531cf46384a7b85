"""The private halves of this device's key packages."""

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import KeyPackageRecord

_TABLE = b"key_packages"


def add_key_package(tx: Transaction, reference: bytes, secrets: bytes, last_resort: bool) -> None:
    tx.run(
        "INSERT INTO key_packages (reference, last_resort, sealed) VALUES (?, ?, ?)",
        reference,
        last_resort,
        tx.close((_TABLE, reference), KeyPackageRecord(secrets)),
    )


def list_key_packages(tx: Transaction) -> list[tuple[bytes, bytes, bool]]:
    """(reference, secrets, whether it is of last resort), for each package."""
    rows = tx.all("SELECT reference, sealed, last_resort FROM key_packages")
    return [
        (reference, tx.open((_TABLE, reference), sealed, KeyPackageRecord).secrets, bool(last))
        for reference, sealed, last in rows
    ]


def remove_key_package(tx: Transaction, reference: bytes) -> None:
    tx.run("DELETE FROM key_packages WHERE reference = ?", reference)
