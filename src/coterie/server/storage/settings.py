"""What a doctor asks a database."""

from coterie.server.storage.database import Tx
from coterie.server.storage.views import Vitals


async def list_unsafe_settings(tx: Tx) -> list[str]:
    """Those of the settings that durability hangs on which are off."""
    found = await tx.value(
        list[str],
        """SELECT array_agg(name::text ORDER BY name) FROM pg_settings
           WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')
             AND setting = 'off'""",
    )
    return found or []


async def get_vitals(tx: Tx) -> Vitals:
    found = await tx.one(
        Vitals,
        """SELECT current_setting('server_version_num')::int AS version, clock_timestamp() AS now,
                  greatest((SELECT max(created_at) FROM messages),
                           (SELECT max(created_at) FROM entries),
                           (SELECT max(created_at) FROM sessions)) AS newest""",
    )
    assert found is not None, "there is a row without a table"  # noqa: S101
    return found
