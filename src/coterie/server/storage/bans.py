"""Who may not come back."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.views import BanView


async def add_ban(
    tx: Tx, group_id: UUID, user_id: UUID, *, banned_by: UUID, reason: str | None
) -> None:
    await tx.run(
        """INSERT INTO group_bans (group_id, user_id, banned_by, reason)
           VALUES ($1, $2, $3, $4)""",
        group_id,
        user_id,
        banned_by,
        reason,
    )


async def has_ban(tx: Tx, group_id: UUID, user_id: UUID) -> bool:
    found = await tx.value(
        int, "SELECT 1 FROM group_bans WHERE group_id = $1 AND user_id = $2", group_id, user_id
    )
    return found is not None


async def list_bans(tx: Tx, group_id: UUID, after: UUID | None, limit: int) -> list[BanView]:
    return await tx.all(
        BanView,
        """SELECT b.user_id, coalesce(u.username, '') AS username,
                  coalesce(u.identity_key, '') AS identity_key, b.banned_by, b.reason,
                  coalesce(b.banned_at, 'epoch') AS banned_at
           FROM group_bans b JOIN users u ON u.id = b.user_id
           WHERE b.group_id = $1 AND ($2::uuid IS NULL OR b.user_id > $2)
           ORDER BY b.user_id LIMIT $3""",
        group_id,
        after,
        limit,
    )


async def remove_ban(tx: Tx, group_id: UUID, user_id: UUID) -> bool:
    removed = await tx.run(
        "DELETE FROM group_bans WHERE group_id = $1 AND user_id = $2", group_id, user_id
    )
    return removed == 1
