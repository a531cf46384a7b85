"""The newest device list seen of each identity."""

from coterie.governance.device_lists import DeviceList
from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import DeviceListRecord

_TABLE = b"device_lists"


def get_device_list(tx: Transaction, identity_key: bytes) -> DeviceList | None:
    row = tx.one("SELECT sealed FROM device_lists WHERE identity_key = ?", identity_key)
    return None if row is None else _open(tx, identity_key, row[0])


def list_revoking_lists(tx: Transaction) -> list[DeviceList]:
    """Those that revoke some device: few, as a rule."""
    rows = tx.all("SELECT identity_key, sealed FROM device_lists WHERE revokes")
    return [_open(tx, identity_key, sealed) for identity_key, sealed in rows]


def put_device_list(tx: Transaction, devices: DeviceList) -> None:
    tx.run(
        "INSERT OR REPLACE INTO device_lists (identity_key, revokes, sealed) VALUES (?, ?, ?)",
        devices.identity_key,
        devices.revokes,
        tx.close((_TABLE, devices.identity_key), DeviceListRecord(devices.encode())),
    )


def _open(tx: Transaction, identity_key: bytes, sealed: bytes) -> DeviceList:
    record = tx.open((_TABLE, identity_key), sealed, DeviceListRecord)
    return DeviceList.decode(record.encoded)
