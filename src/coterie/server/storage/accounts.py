"""People: their names, identity keys and device lists."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import User
from coterie.server.storage.views import Person


async def add_user(tx: Tx, user: User) -> bool:
    """False, and nothing written, when the name, the id or the identity key exists already."""
    written = await tx.run(
        """INSERT INTO users (id, username, identity_key, password_hash, identity_ciphertext,
                              device_list)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING""",
        user.id,
        user.username,
        user.identity_key,
        user.password_hash,
        user.identity_ciphertext,
        user.device_list,
    )
    return written == 1


async def get_user(tx: Tx, user_id: UUID) -> User | None:
    return await tx.one(User, "SELECT * FROM users WHERE id = $1", user_id)


async def get_user_by_name(tx: Tx, username: str) -> User | None:
    return await tx.one(User, "SELECT * FROM users WHERE username = $1", username)


async def get_person(tx: Tx, user_id: UUID) -> Person | None:
    return await tx.one(
        Person,
        """SELECT id, username, identity_key, device_list FROM users
           WHERE id = $1 AND num_nulls(username, identity_key, device_list) = 0""",
        user_id,
    )


async def get_person_by_name(tx: Tx, username: str) -> Person | None:
    return await tx.one(
        Person,
        """SELECT id, username, identity_key, device_list FROM users
           WHERE username = $1 AND num_nulls(username, identity_key, device_list) = 0""",
        username,
    )


async def list_people(tx: Tx, user_ids: list[UUID]) -> list[Person]:
    return await tx.all(
        Person,
        """SELECT id, username, identity_key, device_list FROM users
           WHERE id = ANY($1) AND num_nulls(username, identity_key, device_list) = 0""",
        user_ids,
    )


async def list_user_ids(tx: Tx, identity_keys: list[bytes]) -> dict[bytes, UUID]:
    """Who holds these identity keys."""
    found = await tx.all(User, "SELECT * FROM users WHERE identity_key = ANY($1)", identity_keys)
    return {user.identity_key: user.id for user in found if user.identity_key is not None}


async def lock_user(tx: Tx, user_id: UUID) -> None:
    """Whoever counts what somebody has, to add to it, takes turns."""
    await tx.run("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)


async def set_locked(tx: Tx, user_id: UUID, *, locked: bool) -> None:
    """A lock that is there already keeps its time."""
    await tx.run(
        """UPDATE users SET locked_at = CASE WHEN $2 THEN coalesce(locked_at, now()) END
           WHERE id = $1""",
        user_id,
        locked,
    )


async def is_locked(tx: Tx, user_id: UUID) -> bool:
    """Nobody locks the account before this transaction ends."""
    found = await tx.value(
        bool, "SELECT locked_at IS NOT NULL FROM users WHERE id = $1 FOR SHARE", user_id
    )
    return found is True


async def set_password_hash(tx: Tx, user_id: UUID, password_hash: str) -> None:
    await tx.run("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, password_hash)
