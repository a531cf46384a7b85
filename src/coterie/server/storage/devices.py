"""Devices, their sessions and their key packages."""

from datetime import datetime
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Device, KeyPackage
from coterie.server.storage.views import SessionActor


async def add_device(
    tx: Tx, device_id: UUID, user_id: UUID, device_key: bytes, certificate: bytes
) -> bool:
    """False, and nothing written, when the id or the key exists already."""
    written = await tx.run(
        """INSERT INTO devices (id, user_id, device_key, certificate) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING""",
        device_id,
        user_id,
        device_key,
        certificate,
    )
    return written == 1


async def get_device(tx: Tx, device_id: UUID) -> Device | None:
    return await tx.one(Device, "SELECT * FROM devices WHERE id = $1", device_id)


async def lock_device(tx: Tx, device_id: UUID) -> Device | None:
    """Whoever adds to what a device has takes turns."""
    return await tx.one(Device, "SELECT * FROM devices WHERE id = $1 FOR NO KEY UPDATE", device_id)


async def add_session(
    tx: Tx, token_hash: bytes, user_id: UUID, device_id: UUID, expires_at: datetime
) -> None:
    await tx.run(
        """INSERT INTO sessions (token_hash, user_id, device_id, expires_at)
           VALUES ($1, $2, $3, $4)""",
        token_hash,
        user_id,
        device_id,
        expires_at,
    )


async def get_session(tx: Tx, token_hash: bytes) -> SessionActor | None:
    """Who a token speaks for, while its session and its device last."""
    return await tx.one(
        SessionActor,
        """SELECT s.user_id, s.device_id, s.expires_at
           FROM sessions s JOIN devices d ON d.id = s.device_id
           WHERE s.token_hash = $1 AND s.expires_at > now() AND d.revoked_at IS NULL""",
        token_hash,
    )


async def remove_session(tx: Tx, token_hash: bytes) -> None:
    await tx.run("DELETE FROM sessions WHERE token_hash = $1", token_hash)


async def remove_sessions(tx: Tx, user_id: UUID) -> list[UUID]:
    """End all of somebody's sessions; the devices that may have had one."""
    await tx.run("DELETE FROM sessions WHERE user_id = $1", user_id)
    found = await tx.value(
        list[UUID], "SELECT array_agg(id) FROM devices WHERE user_id = $1", user_id
    )
    return found or []


async def remove_ended_sessions(tx: Tx) -> int:
    return await tx.run("DELETE FROM sessions WHERE expires_at <= now()")


async def add_key_package(tx: Tx, package: KeyPackage) -> None:
    """A package already there stays as it is; a new last resort takes the place of the old one."""
    if package.last_resort:
        await tx.run(
            "DELETE FROM key_packages WHERE device_id = $1 AND last_resort AND reference <> $2",
            package.device_id,
            package.reference,
        )
    await tx.run(
        """INSERT INTO key_packages (reference, device_id, key_package, last_resort, expires_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (reference) DO NOTHING""",
        package.reference,
        package.device_id,
        package.key_package,
        package.last_resort,
        package.expires_at,
    )


async def count_key_packages(tx: Tx, device_id: UUID) -> int:
    """How many one-time packages are left."""
    count = await tx.value(
        int,
        """SELECT count(*) FROM key_packages
           WHERE device_id = $1 AND NOT last_resort AND expires_at > now()""",
        device_id,
    )
    return count or 0


async def take_key_packages(tx: Tx, user_id: UUID, except_id: UUID) -> list[KeyPackage]:
    """One package of each of somebody's active devices but one; only a last resort is kept."""
    taken = await tx.all(
        KeyPackage,
        """DELETE FROM key_packages WHERE reference IN (
               SELECT oldest.reference FROM devices d CROSS JOIN LATERAL (
                   SELECT reference FROM key_packages
                   WHERE device_id = d.id AND NOT last_resort AND expires_at > now()
                   ORDER BY created_at, reference LIMIT 1 FOR UPDATE SKIP LOCKED) oldest
               WHERE d.user_id = $1 AND d.id <> $2 AND d.revoked_at IS NULL)
           RETURNING *""",
        user_id,
        except_id,
    )
    kept = await tx.all(
        KeyPackage,
        """SELECT k.* FROM key_packages k JOIN devices d ON d.id = k.device_id
           WHERE d.user_id = $1 AND d.id <> $2 AND d.revoked_at IS NULL
             AND k.last_resort AND k.expires_at > now() AND k.device_id <> ALL($3)""",
        user_id,
        except_id,
        [package.device_id for package in taken],
    )
    return [*taken, *kept]


async def remove_ended_key_packages(tx: Tx) -> int:
    return await tx.run("DELETE FROM key_packages WHERE expires_at <= now()")
