"""Reaching a server's database, whether or not the server runs."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from coterie.protocol.errors import Refused
from coterie.server.administration.refusals import Impossible
from coterie.server.logs import configure_logs
from coterie.server.postgres import Postgres, PostgresUnavailable, find_url
from coterie.server.postgres.address import CLUSTER
from coterie.server.storage.buckets import BucketRefused
from coterie.server.storage.database import DatabaseUnavailable, Tx, transaction_on
from coterie.server.storage.keys import KeyUnusable
from coterie.server.storage.migrations import SchemaUnusable, newest_version
from coterie.server.storage.snapshots import get_schema_version

T = TypeVar("T")


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Do what an operator asked for. Raises Impossible."""
    configure_logs()
    try:
        return asyncio.run(work)
    except PostgresUnavailable as error:
        raise Impossible("postgres_unavailable", str(error)) from None
    except (DatabaseUnavailable, SchemaUnusable) as error:
        raise Impossible("database_unavailable", str(error)) from None
    except BucketRefused as error:
        raise Impossible("bucket_refused", str(error)) from None
    except Refused:
        raise Impossible(
            "bucket_unavailable",
            "The bucket of the files does not answer: see coterie doctor, and try again.",
        ) from None
    except KeyUnusable as error:
        raise Impossible("key_unusable", str(error)) from None


@asynccontextmanager
async def reached(data: Path, database: str | None = None) -> AsyncGenerator[str]:
    """The URL of the database of the server in `data`: the one named, else the one inside, which
    is started for as long as this lasts where no server runs. Raises PostgresUnavailable."""
    if database is not None:
        yield database
        return
    postgres = _own(data)
    if postgres is None:
        yield find_url(data)
        return
    await postgres.start()
    try:
        yield postgres.url
    finally:
        await postgres.stop()


@asynccontextmanager
async def opened(data: Path, database: str | None) -> AsyncGenerator[Tx]:
    """A transaction on that database, which is of this version. Raises Impossible,
    PostgresUnavailable, DatabaseUnavailable."""
    async with reached(data, database) as url, transaction_on(url) as tx:
        version = await get_schema_version(tx)
        if version != newest_version():
            raise Impossible(
                "other_version",
                f"The database has schema version {version}, and this Coterie works with"
                f" {newest_version()}. Start the server of this version first.",
            )
        yield tx


def _own(data: Path) -> Postgres | None:
    """A PostgreSQL to be started; None where one runs. No new one is ever made here."""
    try:
        find_url(data)
    except PostgresUnavailable:
        if not (data / CLUSTER / "PG_VERSION").exists():
            raise PostgresUnavailable(
                f"There is no Coterie with a PostgreSQL inside in {data}. Choose its folder with"
                " --data, or its database with --database."
            ) from None
        return Postgres(data)
    return None
