"""Groups as SQL keeps them, beside their signed state."""

from uuid import UUID

from coterie.protocol.roles import History, Inviters
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Group
from coterie.server.storage.views import GroupSummary


async def add_group(
    tx: Tx, group_id: UUID, name: str, description: str | None, owner_id: UUID
) -> bool:
    """False, and nothing written, when the id exists already."""
    written = await tx.run(
        """INSERT INTO groups (id, name, description, owner_id) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING""",
        group_id,
        name,
        description,
        owner_id,
    )
    return written == 1


async def get_group(tx: Tx, group_id: UUID) -> Group | None:
    return await tx.one(Group, "SELECT * FROM groups WHERE id = $1", group_id)


async def get_group_summary(tx: Tx, group_id: UUID) -> GroupSummary | None:
    return await tx.one(
        GroupSummary,
        """SELECT id AS group_id, name, description, owner_id, history, inviters,
                  coalesce(created_at, 'epoch') AS created_at,
                  (SELECT count(*) FROM group_members WHERE group_id = $1) AS members
           FROM groups WHERE id = $1""",
        group_id,
    )


async def set_description(tx: Tx, group_id: UUID, description: str) -> None:
    await tx.run(
        "UPDATE groups SET description = $2, updated_at = now() WHERE id = $1",
        group_id,
        description,
    )


async def set_state(
    tx: Tx, group_id: UUID, *, name: str, history: History, inviters: Inviters
) -> None:
    """What the signed state says of the group as a whole."""
    await tx.run(
        """UPDATE groups SET name = $2, history = $3, inviters = $4, updated_at = now()
           WHERE id = $1""",
        group_id,
        name,
        int(history),
        int(inviters),
    )


async def set_owner(tx: Tx, group_id: UUID, owner_id: UUID) -> None:
    await tx.run(
        "UPDATE groups SET owner_id = $2, updated_at = now() WHERE id = $1", group_id, owner_id
    )


async def remove_group(tx: Tx, group_id: UUID) -> None:
    """With everything that belongs to it, except its files: see `files.remove_group_files`."""
    await tx.run("DELETE FROM groups WHERE id = $1", group_id)
