"""Looking for what is wrong with a server, or soon will be; nothing is changed."""

import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from coterie.governance.signatures import public_key
from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.commands import ServerInfo
from coterie.server.administration.reach import reached
from coterie.server.postgres import PostgresUnavailable
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.buckets import Bucket, BucketRefused
from coterie.server.storage.claims import require_own, shelf_of
from coterie.server.storage.database import DatabaseUnavailable, Tx, transaction_on
from coterie.server.storage.files import list_known, pages_of_uploads
from coterie.server.storage.folders import FILES, DataUnusable, require_whole
from coterie.server.storage.keys import KeyUnusable, load_server_seed
from coterie.server.storage.migrations import OLDEST_POSTGRES, newest_version
from coterie.server.storage.server import get_server_key
from coterie.server.storage.settings import get_vitals, list_unsafe_settings
from coterie.server.storage.shelves import Folder, Shelf
from coterie.server.storage.snapshots import get_schema_version

PAGE: Final = 500
ANSWER: Final = ClientTimeout(total=10)


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, how it is, and where it is not well, what to do."""

    about: str
    verdict: Verdict
    detail: str


async def examine(data: Path, database: str | None, public_url: str | None) -> list[Finding]:
    """Everything there is to see, in the order to read it in."""
    findings = list(_look_at_folder(data))
    shelf, bucket = await _look_at_shelf(data)
    findings += bucket
    try:
        async with reached(data, database) as url, transaction_on(url, frozen=True) as tx:
            findings += [finding async for finding in _look_at_database(tx, data, shelf)]
    except (PostgresUnavailable, DatabaseUnavailable) as error:
        findings.append(Finding("database", Verdict.FAIL, str(error)))
    findings.append(_look_at_space(data))
    findings.append(await _look_at_address(data, public_url))
    return findings


# --- the folder


def _look_at_folder(data: Path) -> Iterator[Finding]:
    if not data.is_dir():
        yield Finding("folder", Verdict.FAIL, f"{data} is no folder. Choose it with --data.")
        return
    try:
        require_whole(data)
    except DataUnusable as error:
        yield Finding("restore", Verdict.FAIL, str(error))
    yield from _look_at_modes(data)


def _look_at_modes(data: Path) -> Iterator[Finding]:
    """Secrets that others may read are no secrets; a folder that they may enter is a risk."""
    for name in ("server.key", "registration.code"):
        path = data / name
        if path.exists() and _is_open(path):
            yield Finding(name, Verdict.FAIL, f"Others may read it: chmod 600 {path}")
    if not (data / "server.key").exists():
        lost = f"{data}/server.key is not there. Put it back from a backup: groups trust that key."
        yield Finding("server.key", Verdict.FAIL, lost)
    folders = [path for path in (data, data / FILES) if path.exists() and _is_open(path)]
    if folders:
        paths = " ".join(map(str, folders))
        yield Finding("folder", Verdict.WARN, f"Others may enter it: chmod 700 {paths}")
    else:
        yield Finding("folder", Verdict.OK, f"{data} is for its owner alone.")


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _look_at_space(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    left = f"{free // limits.MIB} MiB are free on the disk of {place}."
    if free < limits.FREE_BYTES_LEAST:
        return Finding("space", Verdict.FAIL, f"{left} Make room now: coterie admin storage")
    if free < limits.FREE_BYTES_LOW:
        return Finding("space", Verdict.WARN, f"{left} Make room soon: coterie admin storage")
    return Finding("space", Verdict.OK, left)


# --- the bucket, where files are in one


async def _look_at_shelf(data: Path) -> tuple[Shelf | None, list[Finding]]:
    """Where the files are, and how it is there; None where nobody can look."""
    try:
        shelf = shelf_of(data)
        if not isinstance(shelf, Bucket):
            return shelf, []
        await require_own(data)
        await shelf.try_out()
    except BucketRefused as error:
        return None, [Finding("bucket", Verdict.FAIL, str(error))]
    return shelf, [Finding("bucket", Verdict.OK, "It takes files, gives and removes them.")]


# --- the database


async def _look_at_database(tx: Tx, data: Path, shelf: Shelf | None) -> AsyncIterator[Finding]:
    unsafe = await list_unsafe_settings(tx)
    if unsafe:
        detail = f"Acknowledged messages may be lost: turn on {', '.join(unsafe)}."
        yield Finding("durability", Verdict.FAIL, detail)
    else:
        detail = "fsync, synchronous_commit and full_page_writes are on."
        yield Finding("durability", Verdict.OK, detail)
    schema = await _look_at_schema(tx)
    yield schema
    if schema.verdict is not Verdict.OK:
        return
    yield await _look_at_key(tx, data)
    async for finding in _look_at_vitals(tx):
        yield finding
    if shelf is not None:
        yield await _look_for_missing(tx, shelf)
        yield await _look_for_orphans(tx, data, shelf)


async def _look_at_schema(tx: Tx) -> Finding:
    version, ours = await get_schema_version(tx), newest_version()
    if version == ours:
        return Finding("schema", Verdict.OK, f"The database has schema version {version}.")
    if version is None:
        return Finding("schema", Verdict.FAIL, "The database is not one of Coterie's.")
    if version > ours:
        newer = f"The database has schema version {version}; this Coterie knows {ours}: update it."
        return Finding("schema", Verdict.FAIL, newer)
    older = f"The database has schema version {version}; starting the server brings it to {ours}."
    return Finding("schema", Verdict.WARN, older)


async def _look_at_key(tx: Tx, data: Path) -> Finding:
    try:
        own = _own_key(data)
    except KeyUnusable as error:
        return Finding("key", Verdict.FAIL, str(error))
    if own is None or await get_server_key(tx) != own:
        detail = "The database was served with another key. Put its server.key back from a backup."
        return Finding("key", Verdict.FAIL, detail)
    return Finding("key", Verdict.OK, "The database was served with this server.key.")


def _own_key(data: Path) -> bytes | None:
    """None where there is none: a doctor makes no keys. Raises KeyUnusable."""
    return public_key(load_server_seed(data)) if (data / "server.key").exists() else None


async def _look_at_vitals(tx: Tx) -> AsyncIterator[Finding]:
    vitals, here = await get_vitals(tx), datetime.now(UTC)
    if vitals.version < OLDEST_POSTGRES:
        yield Finding("postgres", Verdict.FAIL, "Coterie needs PostgreSQL 15 or newer.")
    apart = timedelta(seconds=limits.CLOCK_SECONDS)
    if vitals.newest is not None and vitals.newest > here + apart:
        detail = f"It is behind: {vitals.newest:%F %T} UTC was written already. Set it right."
        yield Finding("clock", Verdict.FAIL, detail)
    elif abs(vitals.now - here) > apart:
        detail = "This machine's and the database's differ. Let both keep time by NTP."
        yield Finding("clock", Verdict.WARN, detail)
    else:
        yield Finding("clock", Verdict.OK, f"It is {here:%F %T} UTC here.")


async def _look_for_missing(tx: Tx, shelf: Shelf) -> Finding:
    sizes = {kept.name: kept.size_bytes async for page in shelf.pages() for kept in page}
    missing, first = 0, ""
    async for page in pages_of_uploads(tx):
        for upload in page:
            if sizes.get(upload.storage_path) != upload.size_bytes:
                missing, first = missing + 1, first or upload.storage_path
    if missing:
        place = "folder files" if isinstance(shelf, Folder) else "bucket"
        detail = (
            f"The bytes of {missing} files are not there, or not all; the first is {first}."
            f" Put them back from a backup, into the {place}."
        )
        return Finding("files", Verdict.FAIL, detail)
    return Finding("files", Verdict.OK, "Every file that the database names is there.")


async def _look_for_orphans(tx: Tx, data: Path, shelf: Shelf) -> Finding:
    """Those of the last hour may be uploads whose rows are being written."""
    if not (data / FILES).is_dir():
        return Finding("orphans", Verdict.OK, "There are no files.")
    old = await Blobs(data / FILES, shelf).list_old(limits.HOUR)
    orphans = 0
    for start in range(0, len(old), PAGE):
        page = old[start : start + PAGE]
        orphans += len(page) - len(await list_known(tx, page))
    if orphans:
        detail = f"{orphans} files belong to nothing. A server that runs removes them in an hour."
        return Finding("orphans", Verdict.WARN, detail)
    return Finding("orphans", Verdict.OK, "No file belongs to nothing.")


# --- the address


async def _look_at_address(data: Path, public_url: str | None) -> Finding:
    """Whether people reach this very server there, and by https."""
    if public_url is None:
        return Finding("address", Verdict.WARN, "Not looked at: name it with --public-url.")
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        detail = f"{public_url} is not https: clients refuse it. Put a proxy with TLS in front."
        return Finding("address", Verdict.FAIL, detail)
    try:
        own = _own_key(data)
        answered = await _server_key_at(public_url)
    except (ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
        detail = f"{public_url} does not answer as a Coterie does ({type(error).__name__})."
        return Finding("address", Verdict.FAIL, f"{detail} Check the proxy, DNS and firewall.")
    except KeyUnusable as error:
        return Finding("address", Verdict.FAIL, str(error))
    if answered != own:
        detail = f"At {public_url} another server answers. Check where the proxy leads."
        return Finding("address", Verdict.FAIL, detail)
    return Finding("address", Verdict.OK, f"{public_url} is this server, by https.")


async def _server_key_at(public_url: str) -> bytes:
    """Raises ClientError, TimeoutError, MsgspecError."""
    address = f"{public_url.rstrip('/')}{PREFIX}/server"
    async with (
        ClientSession(timeout=ANSWER, raise_for_status=True) as http,
        http.get(address, allow_redirects=False) as response,
    ):
        return msgspec.json.decode(await response.read(), type=ServerInfo).server_key
