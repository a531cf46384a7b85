"""Who is in which group, with which role."""

from uuid import UUID

from coterie.protocol.roles import Role
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import GroupMember
from coterie.server.storage.views import MemberView


async def add_member(tx: Tx, group_id: UUID, user_id: UUID, *, role: Role, joined_seq: int) -> None:
    await tx.run(
        """INSERT INTO group_members (group_id, user_id, role, joined_seq)
           VALUES ($1, $2, $3, $4)""",
        group_id,
        user_id,
        str(role),
        joined_seq,
    )


async def get_member(tx: Tx, group_id: UUID, user_id: UUID) -> GroupMember | None:
    return await tx.one(
        GroupMember,
        "SELECT * FROM group_members WHERE group_id = $1 AND user_id = $2",
        group_id,
        user_id,
    )


async def list_members(tx: Tx, group_id: UUID, after: UUID | None, limit: int) -> list[MemberView]:
    return await tx.all(
        MemberView,
        """SELECT m.user_id, coalesce(u.username, '') AS username,
                  coalesce(u.identity_key, '') AS identity_key, m.role,
                  coalesce(m.joined_at, 'epoch') AS joined_at
           FROM group_members m JOIN users u ON u.id = m.user_id
           WHERE m.group_id = $1 AND ($2::uuid IS NULL OR m.user_id > $2)
           ORDER BY m.user_id LIMIT $3""",
        group_id,
        after,
        limit,
    )


async def count_members(tx: Tx, group_id: UUID) -> int:
    count = await tx.value(int, "SELECT count(*) FROM group_members WHERE group_id = $1", group_id)
    return count or 0


async def count_memberships(tx: Tx, user_id: UUID) -> int:
    count = await tx.value(int, "SELECT count(*) FROM group_members WHERE user_id = $1", user_id)
    return count or 0


async def set_role(tx: Tx, group_id: UUID, user_id: UUID, role: Role) -> None:
    await tx.run(
        "UPDATE group_members SET role = $3 WHERE group_id = $1 AND user_id = $2",
        group_id,
        user_id,
        str(role),
    )


async def remove_member(tx: Tx, group_id: UUID, user_id: UUID) -> bool:
    removed = await tx.run(
        "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2", group_id, user_id
    )
    return removed == 1
