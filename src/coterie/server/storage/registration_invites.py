"""Invitations to make an account: of their codes only the hash is kept."""

from datetime import datetime
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import RegistrationInvite


async def add_registration_invite(
    tx: Tx, invite_id: UUID, code_hash: bytes, expires_at: datetime | None, max_uses: int
) -> None:
    await tx.run(
        """INSERT INTO registration_invites (id, code_hash, expires_at, max_uses)
           VALUES ($1, $2, $3, $4)""",
        invite_id,
        code_hash,
        expires_at,
        max_uses,
    )


async def list_registration_invites(
    tx: Tx, after: UUID | None, limit: int
) -> list[RegistrationInvite]:
    """A page, in the order of their ids."""
    return await tx.all(
        RegistrationInvite,
        """SELECT * FROM registration_invites WHERE $1::uuid IS NULL OR id > $1
           ORDER BY id LIMIT $2""",
        after,
        limit,
    )


async def is_registration_invite_open(tx: Tx, code_hash: bytes) -> bool:
    found = await tx.value(
        bool,
        """SELECT uses < max_uses AND coalesce(expires_at > now(), TRUE)
           FROM registration_invites WHERE code_hash = $1""",
        code_hash,
    )
    return found is True


async def use_registration_invite(tx: Tx, code_hash: bytes) -> bool:
    """False, and nothing counted, when it has ended."""
    counted = await tx.run(
        """UPDATE registration_invites SET uses = uses + 1
           WHERE code_hash = $1 AND uses < max_uses AND coalesce(expires_at > now(), TRUE)""",
        code_hash,
    )
    return counted == 1


async def remove_registration_invite(tx: Tx, invite_id: UUID) -> bool:
    return await tx.run("DELETE FROM registration_invites WHERE id = $1", invite_id) == 1
