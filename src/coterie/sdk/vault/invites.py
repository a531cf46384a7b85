"""The signing keys of the links made on this device, by their codes; their secrets are not kept."""

from coterie.sdk.vault.database import Transaction

_TABLE = b"invites"


def get_invite_key(tx: Transaction, code: str) -> bytes | None:
    tag = tx.tag(_TABLE, code)
    row = tx.one("SELECT sealed FROM invites WHERE code_tag = ?", tag)
    return None if row is None else tx.open((_TABLE, tag), row[0], bytes)


def put_invite_key(tx: Transaction, code: str, invite_key: bytes) -> None:
    tag = tx.tag(_TABLE, code)
    sealed = tx.close((_TABLE, tag), invite_key)
    tx.run("INSERT OR REPLACE INTO invites (code_tag, sealed) VALUES (?, ?)", tag, sealed)
