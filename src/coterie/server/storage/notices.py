"""What an operator's own process tells the server that runs: sessions have ended.

PostgreSQL carries it, with the transaction that ended them.
"""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from psycopg import AsyncConnection, InterfaceError, OperationalError

from coterie.server.storage.database import DatabaseUnavailable, Tx


async def tell_ended(tx: Tx, device_ids: Sequence[UUID]) -> None:
    await tx.run(
        "SELECT pg_notify('coterie_sessions_ended', id::text) FROM unnest($1::uuid[]) AS id",
        list(device_ids),
    )


async def hear_ended(url: str) -> AsyncGenerator[UUID]:
    """The devices whose sessions others end, from now on. Raises DatabaseUnavailable when the
    connection is lost."""
    try:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("LISTEN coterie_sessions_ended")
            async for notice in connection.notifies():
                yield UUID(notice.payload)
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(type(error).__name__) from None
