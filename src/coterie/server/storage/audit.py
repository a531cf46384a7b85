"""What moderators did. Rows are added in the transaction of the act, and never changed."""

from uuid import UUID

from coterie.protocol.commands import Act
from coterie.server.storage.database import Tx
from coterie.server.storage.views import AuditView


async def add_act(
    tx: Tx,
    group_id: UUID,
    actor_id: UUID,
    act: Act,
    *,
    target_id: UUID | None = None,
    message_id: int | None = None,
    detail: str | None = None,
    reason: str | None = None,
) -> None:
    await tx.run(
        """INSERT INTO audit_entries (group_id, actor_id, act, target_id, message_id, detail,
                                      reason)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        group_id,
        actor_id,
        str(act),
        target_id,
        message_id,
        detail,
        reason,
    )


async def list_acts(tx: Tx, group_id: UUID, before: int | None, limit: int) -> list[AuditView]:
    """The newest before `before`, the newest first."""
    return await tx.all(
        AuditView,
        """SELECT a.id, a.actor_id, actor.username AS actor_username, a.act, a.target_id,
                  target.username AS target_username, a.message_id, a.detail, a.reason, a.created_at
           FROM audit_entries a
           JOIN users actor ON actor.id = a.actor_id
           LEFT JOIN users target ON target.id = a.target_id
           WHERE a.group_id = $1 AND ($2::bigint IS NULL OR a.id < $2)
           ORDER BY a.id DESC LIMIT $3""",
        group_id,
        before,
        limit,
    )
