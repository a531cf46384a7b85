"""Where the files of a server are: in its data folder, or in a bucket that it has claimed.

A data folder remembers its bucket, so that a backup, a doctor and the next start look there too.
The bucket remembers the data folder: a second server in it, a restored copy say, would take the
first one's files for leftovers and remove them.
"""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
import structlog

from coterie.server.storage.buckets import Bucket, BucketRefused, BucketUnreachable, parse_address
from coterie.server.storage.folders import BUCKET, FILES, sync_folder
from coterie.server.storage.shelves import NAME, Folder, Shelf

OWNER_BYTES: Final = 16

log = structlog.get_logger()


class Claim(msgspec.Struct, frozen=True):
    """`owner` is said in the bucket, too."""

    address: str
    owner: str


async def open_shelf(data: Path, address: str | None) -> Shelf:
    """The files of the server in `data`; where it has none yet, from now on at `address`.

    Raises BucketRefused. A bucket that was claimed before may be out of reach: the server can do
    without files for a while.
    """
    claim = _read(data)
    if claim is None:
        return Folder(data / FILES) if address is None else await claim_bucket(data, address)
    if address is not None and str(parse_address(address)) != claim.address:
        raise BucketRefused(
            f"The files of this server are in {claim.address}. To move them, make a backup and"
            " restore it with --blobs into a new folder."
        )
    bucket = Bucket(parse_address(claim.address))
    try:
        if not await _is_claimed(bucket, claim):
            await bucket.set_owner(claim.owner)
    except BucketUnreachable:
        log.error("bucket.unreachable")
    return bucket


def shelf_of(data: Path) -> Shelf:
    """The same, of a server that has been served before. Raises BucketRefused."""
    claim = _read(data)
    return Folder(data / FILES) if claim is None else Bucket(parse_address(claim.address))


async def claim_bucket(data: Path, address: str) -> Bucket:
    """From now on the files of the server in `data` are there. Raises BucketRefused."""
    if _has_files(data / FILES):
        raise BucketRefused(
            f"The files of this server are in {data / FILES}. To move them, make a backup and"
            " restore it with --blobs into a new folder."
        )
    bucket = Bucket(parse_address(address))
    claim = Claim(str(parse_address(address)), secrets.token_hex(OWNER_BYTES))
    owner = await bucket.get_owner()
    if owner is None:
        await bucket.try_out()
    if owner is not None or await bucket.is_in_use():
        raise BucketRefused(
            f"{claim.address} holds the files of another server. Choose another prefix."
        )
    _write(data, claim)  # first: the next start completes what fails after this
    await bucket.set_owner(claim.owner)
    return bucket


async def require_own(data: Path) -> None:
    """That a bucket, where there is one, is this server's. Raises BucketRefused."""
    if claim := _read(data):
        await _is_claimed(Bucket(parse_address(claim.address)), claim)


async def _is_claimed(bucket: Bucket, claim: Claim) -> bool:
    """Whether the bucket says so, too. Raises BucketRefused where it says another one."""
    owner = await bucket.get_owner()
    if owner not in (None, claim.owner):
        raise BucketRefused(
            f"{claim.address} holds the files of another server now: nothing in it was touched."
        )
    return owner is not None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(NAME.fullmatch(path.name) for path in folder.iterdir())


def _read(data: Path) -> Claim | None:
    """None where the files are in the data folder. Raises BucketRefused."""
    try:
        return msgspec.json.decode((data / BUCKET).read_bytes(), type=Claim)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BucketRefused(
            f"{data / BUCKET} cannot be read. It says where the files are: put it back."
        ) from None


def _write(data: Path, claim: Claim) -> None:
    new = data / f"{BUCKET}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(claim))
        file.flush()
        os.fsync(file.fileno())
    new.rename(data / BUCKET)
    sync_folder(data)
