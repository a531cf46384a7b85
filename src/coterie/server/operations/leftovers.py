"""What uploads and crashes leave behind on the disk, and who clears it away."""

import asyncio
from itertools import islice
from typing import Final
from uuid import UUID

import structlog

from coterie.protocol import limits
from coterie.server.storage import files
from coterie.server.storage.blobs import Blobs, name_of
from coterie.server.storage.database import Database

PAGE: Final = 500
PERIOD: Final = limits.HOUR
ORPHAN_SECONDS: Final = limits.HOUR

log = structlog.get_logger()


async def sweep_for_ever(database: Database, blobs: Blobs) -> None:
    """Sweep now and every hour. What fails is tried again in an hour."""
    while True:
        try:
            await sweep(database, blobs)
        except Exception as error:
            log.error("leftovers.not_swept", error=type(error).__name__)
        await asyncio.sleep(PERIOD)


async def sweep(database: Database, blobs: Blobs) -> None:
    await sweep_unattached(database, blobs)
    await sweep_orphans(database, blobs)


async def sweep_unattached(database: Database, blobs: Blobs) -> None:
    """Remove the files that no message was ever sent with; the bytes once that is committed."""
    full = True
    while full:
        async with database.transaction() as tx:
            names = await files.remove_leftover_files(tx, limits.UNATTACHED_SECONDS, PAGE)
        await blobs.drop(names)
        full = len(names) == PAGE


async def sweep_orphans(database: Database, blobs: Blobs) -> None:
    """Remove bytes that no row names: the server died between COMMIT and their removal."""
    old = iter(await blobs.list_old(ORPHAN_SECONDS))
    while page := list(islice(old, PAGE)):
        async with database.transaction() as tx:
            known = await files.list_known(tx, page)
        await blobs.remove([name_of(file_id) for file_id in _without(page, known)])


def _without(page: list[UUID], known: set[UUID]) -> list[UUID]:
    return [file_id for file_id in page if file_id not in known]
