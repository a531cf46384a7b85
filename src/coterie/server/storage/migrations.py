"""Bringing a database to the schema this version of Coterie needs.

An empty database gets `init.sql`. An older one gets the migrations it lacks, in order, each in a
transaction of its own; `schema_version` remembers them. A newer one is refused.
"""

from pathlib import Path

from psycopg import AsyncConnection

from coterie.server.storage.schema import SCHEMA

OLDEST_POSTGRES = 150000
"""PostgreSQL 15, as `server_version` counts."""

TURN = 0x636F7465726965
"""The advisory lock of whoever migrates ("coterie"): servers that start together take turns."""


class SchemaUnusable(Exception):  # noqa: N818 - named after the state it reports
    """The database is not one that this Coterie can work with. Nothing in it was touched."""


async def migrate(url: str, schema: Path = SCHEMA) -> int:
    """Bring the database at `url` to the newest version in `schema`; return that version.

    Raises `SchemaUnusable` for a newer schema, for foreign tables and for an old PostgreSQL.
    """
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_POSTGRES:
            raise SchemaUnusable("Coterie needs PostgreSQL 15 or newer.")
        await connection.execute("SELECT pg_advisory_lock(%s)", [TURN])
        newest = newest_version(schema)
        version = await _version(connection)
        if version is None:
            await connection.execute((schema / "init.sql").read_bytes())
        elif version > newest:
            raise SchemaUnusable(
                f"The database has schema version {version}, made by a newer Coterie;"
                f" this one knows versions up to {newest}. Start the newer one."
            )
        else:
            await _catch_up(connection, version, schema)
        return newest


def newest_version(schema: Path = SCHEMA) -> int:
    """The version of the schema that this Coterie works with."""
    return max(migrations(schema))


def migrations(schema: Path = SCHEMA) -> dict[int, Path]:
    """The files of `migrations/` by version; the first is the first version whole."""
    return {int(file.name[:4]): file for file in sorted((schema / "migrations").glob("*.sql"))}


async def _version(connection: AsyncConnection) -> int | None:
    """The version of the schema; None for an empty database."""
    tables = await connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    names = [name async for (name,) in tables]
    if not names:
        return None
    if "schema_version" not in names:
        raise SchemaUnusable(f"The database holds tables that are not Coterie's: {names[0]}, …")
    versions = await connection.execute("SELECT max(version) FROM schema_version")
    row = await versions.fetchone()
    return row[0] if row else None


async def _catch_up(connection: AsyncConnection, version: int, schema: Path) -> None:
    for step, file in migrations(schema).items():
        if step > version:
            async with connection.transaction():
                await connection.execute(file.read_bytes())
                await connection.execute("INSERT INTO schema_version (version) VALUES (%s)", [step])
