"""How much room a server's people and tables take."""

from coterie.server.storage.database import Tx
from coterie.server.storage.views import AccountSummary, TableSize


async def list_accounts(tx: Tx, after: str, limit: int) -> list[AccountSummary]:
    """A page, by name. Ended accounts have none."""
    return await tx.all(
        AccountSummary,
        """SELECT u.username, u.id AS user_id, u.created_at, u.locked_at,
                  (SELECT count(*) FROM devices d
                   WHERE d.user_id = u.id AND d.revoked_at IS NULL) AS devices,
                  (SELECT count(*) FROM sessions s
                   WHERE s.user_id = u.id AND s.expires_at > now()) AS sessions,
                  (SELECT coalesce(sum(f.size_bytes), 0)::bigint FROM files f
                   WHERE f.uploader_id = u.id) AS file_bytes
           FROM users u WHERE u.username > $1 ORDER BY u.username LIMIT $2""",
        after,
        limit,
    )


async def count_accounts(tx: Tx) -> int:
    """Without those that have ended."""
    return await tx.value(int, "SELECT count(*) FROM users WHERE username IS NOT NULL") or 0


async def get_database_size(tx: Tx) -> int:
    return await tx.value(int, "SELECT pg_database_size(current_database())") or 0


async def list_table_sizes(tx: Tx) -> list[TableSize]:
    """The largest first; with their indexes."""
    return await tx.all(
        TableSize,
        """SELECT relname::text AS name, pg_total_relation_size(oid) AS size_bytes
           FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
           ORDER BY size_bytes DESC, name""",
    )


async def count_unattached(tx: Tx) -> int:
    """The bytes that no message names yet."""
    found = await tx.value(
        int, "SELECT sum(size_bytes)::bigint FROM files WHERE message_id IS NULL"
    )
    return found or 0
