"""The device store: one SQLite file that several processes of one profile share.

Whatever changes it is one short transaction of plain functions, run in a thread of the store's own:
nothing can wait for the network while it holds the lock, and the event loop never waits for it.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, LiteralString, TypeVar
from uuid import uuid4

from coterie.sdk.errors import NotSignedUp, VaultTooNew, VaultUnusable
from coterie.sdk.vault.key import find_key, new_key
from coterie.sdk.vault.schema import SCHEMA, SCHEMA_VERSION, UPGRADES
from coterie.sdk.vault.seal import Seal

T = TypeVar("T")
Row = tuple[Any, ...]
Recent = dict[bytes, tuple[bytes, Any]]
"""For each place the last value made of what lies there, with the bytes it was made of."""
DATABASE_FILE: Final = "vault.db"
LOCK_SECONDS: Final = 60
_TURN: Final = threading.Lock()
"""Python runs one thread at a time, and would change threads at every statement: with fifty clients
in one process that costs more than the statements. So their transactions take turns."""
_OUR_FAULTS: Final = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)


class Transaction:
    """The store, as the one who holds its lock sees it."""

    def __init__(self, connection: sqlite3.Connection, seal: Seal, recent: Recent) -> None:
        self._connection = connection
        self._seal = seal
        self._recent = recent

    def run(self, sql: LiteralString, *parameters: object) -> int:
        """Execute, and say how many rows were touched."""
        return self._connection.execute(sql, parameters).rowcount

    def one(self, sql: LiteralString, *parameters: object) -> Row | None:
        return self._connection.execute(sql, parameters).fetchone()

    def all(self, sql: LiteralString, *parameters: object) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def close(self, place: Sequence[bytes], record: object) -> bytes:
        """Seal a record; `place` is its table and its key."""
        return self._seal.close(b"\0".join(place), record)

    def open(self, place: Sequence[bytes], sealed: bytes, shape: type[T]) -> T:
        """Raises VaultLocked."""
        return self._seal.open(b"\0".join(place), sealed, shape)

    def tag(self, kind: bytes, name: str) -> bytes:
        """What is no text has a tag too: nothing is found under it."""
        return self._seal.tag(kind, name.encode(errors="surrogatepass"))

    def recall(self, place: bytes, source: bytes, make: Callable[[], T]) -> T:
        """What `make` makes of `source`, made once as long as these bytes lie at this place.

        For immutable values that are dear to make.
        """
        known = self._recent.get(place)
        if known is None or known[0] != source:
            known = self._recent[place] = source, make()
        return known[1]

    def remember(self, place: bytes, source: bytes, value: object) -> None:
        """What `recall` will give for these bytes."""
        self._recent[place] = source, value

    def forget(self, place: bytes) -> None:
        self._recent.pop(place, None)


class Vault:
    """`read` and `write` run a plain function in one transaction; an exception rolls it back."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vault")
        self._connection: sqlite3.Connection | None = None
        self._seal: Seal | None = None
        self._closed = False
        self._recent: Recent = {}

    def __repr__(self) -> str:
        return f"Vault({str(self.home)!r})"

    @classmethod
    def exists(cls, home: Path) -> bool:
        return (home / DATABASE_FILE).exists()

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._submit("BEGIN DEFERRED", work)

    def read_now(self, work: Callable[[Transaction], T]) -> T:
        """`read` for a caller that has no event loop yet."""
        return self._thread.submit(self._transact, "BEGIN DEFERRED", work).result()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` read is still so when it writes: other processes wait meanwhile."""
        return await self._submit("BEGIN IMMEDIATE", work)

    async def close(self) -> None:
        """May be repeated."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()

    async def _submit(self, begin: LiteralString, work: Callable[[Transaction], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, begin, work)

    def _transact(self, begin: LiteralString, work: Callable[[Transaction], T]) -> T:
        try:
            connection, seal = self._connect()
            with _transaction(connection, begin), _TURN:
                return work(Transaction(connection, seal, self._recent))
        except _OUR_FAULTS:
            raise
        except sqlite3.DatabaseError as error:
            raise VaultUnusable(self.home / DATABASE_FILE, str(error)) from None

    def _connect(self) -> tuple[sqlite3.Connection, Seal]:
        if self._connection is None or self._seal is None:
            self._connection = _open_database(self.home / DATABASE_FILE)
            self._seal = Seal(find_key(self.home, _prepare(self._connection, self.home)))
        return self._connection, self._seal

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()


def make_home(home: Path) -> None:
    """The folder of a profile, closed to everybody but its owner.

    One that holds other things already, such as a home directory, keeps its mode.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid == os.getuid() and not any(home.iterdir()):
        home.chmod(0o700)
    descriptor = os.open(home / DATABASE_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)


def _open_database(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise NotSignedUp
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _prepare(connection: sqlite3.Connection, home: Path) -> str:
    """Write the tables and draw the key of a new store, or bring an older one up to date; the id
    the key is kept by."""
    if _version(connection) < SCHEMA_VERSION:
        with _transaction(connection, "BEGIN IMMEDIATE"):
            if _version(connection) == 0:  # still: another process may have been first
                _write_schema(connection, home)
            while (version := _version(connection)) < SCHEMA_VERSION:
                for statement in UPGRADES[version]:
                    connection.execute(statement)
    if _version(connection) > SCHEMA_VERSION:
        raise VaultTooNew
    (profile_id,) = connection.execute("SELECT profile_id FROM profile").fetchone()
    return profile_id


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return version


def _write_schema(connection: sqlite3.Connection, home: Path) -> None:
    for statement in SCHEMA:
        connection.execute(statement)
    profile_id = uuid4().hex
    new_key(home, profile_id)
    connection.execute("INSERT INTO profile (profile_id) VALUES (?)", (profile_id,))


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: LiteralString):
    connection.execute(begin)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
