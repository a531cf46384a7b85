"""Invite links, as far as the server knows them: never their secret."""

from datetime import datetime
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.views import InviteView


async def add_invite(
    tx: Tx,
    *,
    group_id: UUID,
    code: str,
    created_by: UUID,
    expires_at: datetime | None,
    max_uses: int | None,
    invite_key: bytes,
    anchor_epoch: int,
    anchor_ciphertext: bytes,
) -> bool:
    """False, and nothing written, when the code exists already."""
    written = await tx.run(
        """INSERT INTO group_invites (group_id, code, created_by, expires_at, max_uses, invite_key,
                                      anchor_epoch, anchor_ciphertext)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (code) DO NOTHING""",
        group_id,
        code,
        created_by,
        expires_at,
        max_uses,
        invite_key,
        anchor_epoch,
        anchor_ciphertext,
    )
    return written == 1


async def get_invite(tx: Tx, code: str) -> InviteView | None:
    return await tx.one(
        InviteView,
        """SELECT id AS invite_id, group_id, code, invite_key, created_by, expires_at, max_uses,
                  coalesce(uses, 0) AS uses, anchor_epoch, anchor_ciphertext,
                  coalesce(expires_at <= now() OR uses >= max_uses, FALSE) AS ended,
                  coalesce(created_at, 'epoch') AS created_at
           FROM group_invites WHERE code = $1 AND num_nulls(invite_key, anchor_epoch) = 0""",
        code,
    )


async def list_invites(
    tx: Tx, group_id: UUID, created_by: UUID | None, after: UUID | None, limit: int
) -> list[InviteView]:
    """Those of one creator, or all."""
    return await tx.all(
        InviteView,
        """SELECT id AS invite_id, group_id, code, invite_key, created_by, expires_at, max_uses,
                  coalesce(uses, 0) AS uses, anchor_epoch, anchor_ciphertext,
                  coalesce(expires_at <= now() OR uses >= max_uses, FALSE) AS ended,
                  coalesce(created_at, 'epoch') AS created_at
           FROM group_invites
           WHERE group_id = $1 AND num_nulls(invite_key, anchor_epoch) = 0
             AND ($2::uuid IS NULL OR created_by = $2) AND ($3::uuid IS NULL OR id > $3)
           ORDER BY id LIMIT $4""",
        group_id,
        created_by,
        after,
        limit,
    )


async def use_invite(tx: Tx, code: str) -> bool:
    """Count one more use. False when the link has ended: expired, or used up."""
    used = await tx.run(
        """UPDATE group_invites SET uses = coalesce(uses, 0) + 1
           WHERE code = $1 AND (max_uses IS NULL OR coalesce(uses, 0) < max_uses)
             AND (expires_at IS NULL OR expires_at > now())""",
        code,
    )
    return used == 1


async def remove_invites(tx: Tx, group_id: UUID, invite_keys: list[bytes]) -> None:
    await tx.run(
        "DELETE FROM group_invites WHERE group_id = $1 AND invite_key = ANY($2)",
        group_id,
        invite_keys,
    )
