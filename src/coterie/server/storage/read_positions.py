"""How far people have read."""

from uuid import UUID

from coterie.server.storage.database import Tx


async def advance_read_position(tx: Tx, user_id: UUID, conversation_id: UUID, seq: int) -> bool:
    """False, and nothing written, when they had read as far before."""
    written = await tx.run(
        """INSERT INTO read_positions AS known (user_id, conversation_id, seq) VALUES ($1, $2, $3)
           ON CONFLICT (user_id, conversation_id) DO UPDATE SET seq = excluded.seq
           WHERE known.seq < excluded.seq""",
        user_id,
        conversation_id,
        seq,
    )
    return written == 1
