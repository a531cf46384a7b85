"""Who does not want to hear from whom, directly."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.views import BlockView


async def add_block(tx: Tx, blocker_id: UUID, blocked_id: UUID) -> None:
    await tx.run(
        "INSERT INTO blocks (blocker_id, blocked_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        blocker_id,
        blocked_id,
    )


async def remove_block(tx: Tx, blocker_id: UUID, blocked_id: UUID) -> None:
    await tx.run(
        "DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2", blocker_id, blocked_id
    )


async def has_block(tx: Tx, blocker_id: UUID, blocked_id: UUID) -> bool:
    found = await tx.value(
        int,
        "SELECT 1 FROM blocks WHERE blocker_id = $1 AND blocked_id = $2",
        blocker_id,
        blocked_id,
    )
    return found is not None


async def list_parted(tx: Tx, user_id: UUID) -> list[UUID]:
    """Whom this person blocks, and who blocks them."""
    found = await tx.value(
        list[UUID],
        """SELECT array_agg(user_id) FROM (
               SELECT blocked_id FROM blocks WHERE blocker_id = $1
               UNION SELECT blocker_id FROM blocks WHERE blocked_id = $1) parted (user_id)""",
        user_id,
    )
    return found or []


async def list_blocks(tx: Tx, blocker_id: UUID, after: UUID | None, limit: int) -> list[BlockView]:
    return await tx.all(
        BlockView,
        """SELECT b.blocked_id AS user_id, coalesce(u.username, '') AS username
           FROM blocks b JOIN users u ON u.id = b.blocked_id
           WHERE b.blocker_id = $1 AND ($2::uuid IS NULL OR b.blocked_id > $2)
           ORDER BY b.blocked_id LIMIT $3""",
        blocker_id,
        after,
        limit,
    )
