"""Pinned messages, and those that were: their last number."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Pin


async def get_pin(tx: Tx, message_id: int) -> Pin | None:
    return await tx.one(Pin, "SELECT * FROM pins WHERE message_id = $1", message_id)


async def count_pins(tx: Tx, conversation_id: UUID) -> int:
    count = await tx.value(
        int, "SELECT count(*) FROM pins WHERE conversation_id = $1 AND pinned", conversation_id
    )
    return count or 0


async def set_pin(
    tx: Tx, conversation_id: UUID, message_id: int, *, pin_no: int, pinned: bool, seq: int
) -> None:
    await tx.run(
        """INSERT INTO pins (message_id, conversation_id, pin_no, pinned, seq)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (message_id) DO UPDATE
           SET pin_no = excluded.pin_no, pinned = excluded.pinned, seq = excluded.seq,
               changed_at = now()""",
        message_id,
        conversation_id,
        pin_no,
        pinned,
        seq,
    )
