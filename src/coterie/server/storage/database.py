"""The only door to PostgreSQL. Queries are literals; values travel as parameters."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import msgspec
import structlog
from psycopg import (
    AsyncConnection,
    AsyncRawCursor,
    DataError,
    Error,
    InterfaceError,
    IsolationLevel,
    OperationalError,
    ProgrammingError,
)
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from coterie.protocol import limits
from coterie.protocol.errors import Malformed, Refused, Taken, Unavailable
from coterie.server.storage.migrations import migrate
from coterie.server.storage.outbox import Announcement
from coterie.server.storage.windows import Windows

CONNECTIONS = 16
ENDS = ("FATAL", "PANIC")
"""Errors of this severity end the connection, or all: where there is no room for the WAL, say."""
PATIENCE = 3.0
"""Seconds that a command waits for a free connection before it is answered Unavailable."""
RECONNECT = 3.0
"""Seconds of trying, ever more slowly; after that the next command that comes tries anew."""

START = 30.0
"""Seconds that a starting server waits for its database."""

T = TypeVar("T")
Connection = AsyncConnection[Any]
log = structlog.get_logger()


class DatabaseUnavailable(Exception):  # noqa: N818 - named after the state it reports
    """The database could not be reached when the server started."""


class Tx:
    """An open transaction. `announcements` are delivered after it has committed, or never."""

    def __init__(self, connection: Connection, windows: Windows) -> None:
        self._cursor: AsyncRawCursor[DictRow] = AsyncRawCursor(connection, row_factory=dict_row)
        self._windows = windows
        self.announcements: list[Announcement] = []

    async def one(self, kind: type[T], sql: LiteralString, *values: object) -> T | None:
        await self._cursor.execute(sql, values, binary=True)
        record = await self._cursor.fetchone()
        return None if record is None else msgspec.convert(record, kind)

    async def all(self, kind: type[T], sql: LiteralString, *values: object) -> list[T]:
        await self._cursor.execute(sql, values, binary=True)
        return [msgspec.convert(record, kind) for record in await self._cursor.fetchall()]

    async def value(self, kind: type[T], sql: LiteralString, *values: object) -> T | None:
        """The only column of the first row; None without a row, or for NULL."""
        await self._cursor.execute(sql, values, binary=True)
        record = await self._cursor.fetchone()
        found = None if record is None else next(iter(record.values()))
        return None if found is None else msgspec.convert(found, kind)

    async def run(self, sql: LiteralString, *values: object) -> int:
        """Execute, and return how many rows it touched."""
        await self._cursor.execute(sql, values)
        return self._cursor.rowcount

    def announce(self, announcement: Announcement) -> None:
        self.announcements.append(announcement)

    def spend(self, key: Hashable, limit: tuple[int, int]) -> None:
        """Count one use by `key` against (how many, in how many seconds). Raises RateLimited."""
        self._windows.spend(key, limit)


def objection(error: ProgrammingError) -> str:
    """What is wrong with an address; never the address itself, which may hold a password."""
    if error.sqlstate is None:
        return "--database is no address of a PostgreSQL, such as postgresql://user@host/name."
    return f"The database cannot be used: {error.diag.message_primary}."


class Database:
    """A pool of connections to one database; it reconnects by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.windows = Windows()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=2,
            max_size=CONNECTIONS,
            timeout=PATIENCE,
            reconnect_timeout=RECONNECT,
            configure=configure,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Bring the schema up to date, and connect. Raises DatabaseUnavailable, SchemaUnusable."""
        try:
            await migrate(self._url)
            await self._pool.open(wait=True, timeout=START)
        except ProgrammingError as error:
            raise DatabaseUnavailable(objection(error)) from None
        except OperationalError as error:
            raise DatabaseUnavailable(
                f"The database does not answer ({type(error).__name__}). Check --database, and that"
                " it runs."
            ) from None

    async def close(self) -> None:
        await self._pool.close()

    async def check(self) -> None:
        """Raises Unavailable when the database does not answer."""
        async with self.transaction() as tx:
            await tx.run("SELECT 1")

    async def is_writable(self) -> bool:
        """Raises Unavailable when the database does not answer."""
        async with self.transaction() as tx:
            return await tx.value(str, "SHOW transaction_read_only") == "off"

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """Commits on leaving. Raises Unavailable when the database does not answer."""
        try:
            async with self._pool.connection() as connection:
                yield Tx(connection, self.windows)
        except UniqueViolation as error:
            # Two asked for the same at once, and neither saw the other.
            log.info("database.taken", constraint=error.diag.constraint_name)
            raise Refused(Taken("id")) from None
        except DataError as error:
            # What no type of the contract forbids and PostgreSQL cannot hold, such as a NUL.
            log.info("database.unstorable", error=type(error).__name__, state=error.sqlstate)
            raise Refused(Malformed("a value cannot be stored")) from None
        except Error as error:
            if not _is_unavailable(error):
                raise
            log.warning("database.unavailable", error=type(error).__name__, state=error.sqlstate)
            raise Refused(Unavailable()) from None


@asynccontextmanager
async def transaction_on(url: str, *, frozen: bool = False) -> AsyncGenerator[Tx]:
    """One transaction on a connection of its own; it commits on leaving.

    `frozen`: it sees the database as it is now, however long it takes, and changes nothing.
    Raises DatabaseUnavailable.
    """
    try:
        async with await AsyncConnection.connect(url) as connection:
            if frozen:
                await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield Tx(connection, Windows())
    except ProgrammingError as error:
        raise DatabaseUnavailable(objection(error)) from None
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(
            f"The database does not answer ({type(error).__name__}). Check --database, and that it"
            " runs."
        ) from None


def _is_unavailable(error: Error) -> bool:
    is_gone = isinstance(error, OperationalError | InterfaceError)
    return is_gone or error.diag.severity_nonlocalized in ENDS


async def configure(connection: Connection) -> None:
    """What every connection of ours is set to."""
    await connection.execute(f"SET lock_timeout = '{limits.LOCK_SECONDS:d}s'".encode())
    await connection.execute("SET timezone = 'UTC'")
    await connection.commit()
