"""The database at one moment, for a copy of it; and what a copy needs before it is served."""

import msgspec

from coterie.server.storage.database import Tx

SPARED_IDS = 1_000_000
"""So many message ids may have been given after a backup was made; none is given twice."""


class Snapshot(msgspec.Struct, frozen=True):
    """`name` is what others open the same snapshot by, while the transaction lasts."""

    name: str
    schema_version: int
    size_bytes: int


async def export_snapshot(tx: Tx) -> Snapshot:
    """Raises LookupError when the database is not one of Coterie's."""
    if await get_schema_version(tx) is None:
        raise LookupError("no schema_version")
    found = await tx.one(
        Snapshot,
        """SELECT pg_export_snapshot() AS name,
                  (SELECT max(version) FROM schema_version) AS schema_version,
                  pg_database_size(current_database()) AS size_bytes""",
    )
    assert found is not None, "there is a row without a table"  # noqa: S101
    return found


async def get_schema_version(tx: Tx) -> int | None:
    """None when the database is not one of Coterie's."""
    if await tx.value(bool, "SELECT to_regclass('schema_version') IS NOT NULL") is not True:
        return None
    return await tx.value(int, "SELECT max(version) FROM schema_version")


async def is_empty(tx: Tx) -> bool:
    """Whether there is no table yet."""
    tables = await tx.value(int, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    return tables == 0


async def settle_copy(tx: Tx) -> None:
    """What was spent after the copy was made is not offered again: message ids that clients know
    for other messages, and key packages whose secrets their devices have thrown away."""
    await tx.run(
        """SELECT setval('messages_id_seq', least(last_value + $1, 2147483647))
           FROM messages_id_seq""",
        SPARED_IDS,
    )
    await tx.run("DELETE FROM key_packages WHERE NOT last_resort")
