"""The account this profile belongs to: one, for ever."""

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import AccountRecord

_PLACE = (b"profile",)


def get_account(tx: Transaction) -> AccountRecord | None:
    row = tx.one("SELECT sealed FROM profile")
    if row is None or row[0] is None:
        return None
    return tx.open(_PLACE, row[0], AccountRecord)


def put_account(tx: Transaction, account: AccountRecord) -> None:
    tx.run("UPDATE profile SET sealed = ?", tx.close(_PLACE, account))


def remove_account(tx: Transaction) -> None:
    tx.run("UPDATE profile SET sealed = NULL")
