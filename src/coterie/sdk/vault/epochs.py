"""What is kept of every epoch, and who sits in the newest one."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import EpochRecord, SeatRecord

_TABLE = b"epochs"
_SEATS = b"seats"


def get_epoch(tx: Transaction, conversation_id: UUID, epoch: int) -> EpochRecord | None:
    row = tx.one(
        "SELECT sealed FROM epochs WHERE conversation_id = ? AND epoch = ?",
        conversation_id.bytes,
        epoch,
    )
    return None if row is None else tx.open(_place(conversation_id, epoch), row[0], EpochRecord)


def put_epoch(tx: Transaction, conversation_id: UUID, epoch: int, record: EpochRecord) -> None:
    tx.run(
        "INSERT OR REPLACE INTO epochs (conversation_id, epoch, sealed) VALUES (?, ?, ?)",
        conversation_id.bytes,
        epoch,
        tx.close(_place(conversation_id, epoch), record),
    )


def remove_epochs_after(tx: Transaction, conversation_id: UUID, epoch: int) -> None:
    key = conversation_id.bytes
    tx.run("DELETE FROM epochs WHERE conversation_id = ? AND epoch > ?", key, epoch)


def get_seat(tx: Transaction, conversation_id: UUID, device_id: UUID) -> SeatRecord | None:
    return _seats(tx, conversation_id).get(device_id)


def list_seats(tx: Transaction, conversation_id: UUID) -> Collection[SeatRecord]:
    """The devices in the newest epoch."""
    return _seats(tx, conversation_id).values()


def put_seats(
    tx: Transaction, conversation_id: UUID, seats: Iterable[SeatRecord]
) -> list[SeatRecord]:
    """Make these the seats, and say which are new or different."""
    before, key = _seats(tx, conversation_id), conversation_id.bytes
    after = {seat.device_id: seat for seat in seats}
    if after == before:
        return []
    sealed = tx.close((_SEATS, key), list(after.values()))
    tx.run("INSERT OR REPLACE INTO seats (conversation_id, sealed) VALUES (?, ?)", key, sealed)
    tx.remember(_SEATS + key, sealed, after)
    return [seat for seat in after.values() if before.get(seat.device_id) != seat]


def _seats(tx: Transaction, conversation_id: UUID) -> Mapping[UUID, SeatRecord]:
    """By device. Asked for at every message: so they are opened once for each epoch."""
    key = conversation_id.bytes
    row = tx.one("SELECT sealed FROM seats WHERE conversation_id = ?", key)
    if row is None:
        return {}
    sealed: bytes = row[0]
    return tx.recall(_SEATS + key, sealed, lambda: _opened(tx, key, sealed))


def _opened(tx: Transaction, key: bytes, sealed: bytes) -> Mapping[UUID, SeatRecord]:
    seats = tx.open((_SEATS, key), sealed, list[SeatRecord])
    return {seat.device_id: seat for seat in seats}


def _place(conversation_id: UUID, epoch: int) -> tuple[bytes, ...]:
    return _TABLE, conversation_id.bytes, epoch.to_bytes(8, "big")
