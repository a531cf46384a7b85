"""How much room a server takes, and what takes it."""

import os
import shutil
from pathlib import Path

import msgspec

from coterie.server.administration.reach import opened
from coterie.server.storage import files, usage
from coterie.server.storage.claims import shelf_of
from coterie.server.storage.folders import FILES
from coterie.server.storage.shelves import Folder, Shelf
from coterie.server.storage.views import TableSize


class StorageReport(msgspec.Struct, frozen=True, kw_only=True):
    """In bytes. `unattached`: uploaded for no message yet; what is not sent goes after a day.
    `disk_bytes` is what the folder of the files really takes; `bucket_bytes` what is in their
    bucket, where they have one."""

    accounts: int
    files: int
    file_bytes: int
    unattached_bytes: int
    disk_bytes: int
    bucket_bytes: int | None
    database_bytes: int
    free_bytes: int
    tables: list[TableSize]


async def report_storage(data: Path, database: str | None) -> StorageReport:
    """Raises Impossible, BucketRefused, Refused."""
    async with opened(data, database) as tx:
        uploads = await files.count_uploads(tx)
        return StorageReport(
            accounts=await usage.count_accounts(tx),
            files=uploads.files,
            file_bytes=uploads.size_bytes,
            unattached_bytes=await usage.count_unattached(tx),
            disk_bytes=_size_of(data / FILES),
            bucket_bytes=await _size_in_bucket(shelf_of(data)),
            database_bytes=await usage.get_database_size(tx),
            free_bytes=shutil.disk_usage(data).free,
            tables=await usage.list_table_sizes(tx),
        )


async def _size_in_bucket(shelf: Shelf) -> int | None:
    if isinstance(shelf, Folder):
        return None
    return sum([kept.size_bytes async for page in shelf.pages() for kept in page])


def _size_of(folder: Path) -> int:
    try:
        with os.scandir(folder) as found:
            return sum(entry.stat().st_size for entry in found)
    except FileNotFoundError:
        return 0
