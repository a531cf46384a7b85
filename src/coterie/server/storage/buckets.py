"""Whole files in a bucket that speaks S3. Whoever runs it sees what lies there: ciphertext.

What leads to it and opens it comes from the environment, by the names that every tool for S3
knows: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL. No file of ours, no
argument and no log holds it; an error's text may, so that only its kind is told.
"""

import io
import ipaddress
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from coterie.protocol import limits
from coterie.protocol.errors import NotFound, Refused, Unavailable
from coterie.server.storage.shelves import NAME, Kept, Read, in_thread, size_on_disk, unlink

PIECE_BYTES: Final = 2 * limits.MIB
"""What a download holds in memory."""
PART_BYTES: Final = 8 * limits.MIB
PARTS_AT_ONCE: Final = 2
"""Together, what an upload holds in memory."""
CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 60
"""For one request: a part of an upload, a piece of a download."""
RETRY_SECONDS: Final = 10
RETRIES: Final = 3
PAGE: Final = 1_000

OWNER: Final = "coterie.owner"
"""Says whose files these are."""
TRIAL: Final = "coterie.trial"
"""Written, read and removed to see whether that can be done."""
KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Any of them may say where the bucket is."""

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")

log = structlog.get_logger()


class BucketRefused(Exception):  # noqa: N818 - named after the state it reports
    """The bucket cannot be used as it is. The message says what to do."""


class BucketUnreachable(BucketRefused):
    """It does not answer, for now perhaps."""


class Address(NamedTuple):
    """A bucket, and where in it."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse_address(text: str) -> Address:
    """Of `s3://BUCKET/PREFIX`. Raises BucketRefused, which repeats nothing: it may hold a key."""
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/")
    if (
        scheme != "s3"
        or not _BUCKET.fullmatch(bucket)
        or (prefix and not _PREFIX.fullmatch(prefix))
    ):
        raise BucketRefused(
            "--blobs is not an address like s3://bucket/prefix. Keys are given in the environment,"
            f" as {' and '.join(KEYS)}."
        )
    return Address(bucket, prefix)


class Bucket:
    """The whole files below an address."""

    def __init__(self, address: Address) -> None:
        """Raises BucketRefused for what the environment lacks, and what it should not say."""
        self._address = address
        self._store = _store(address)

    def source(self, name: str) -> Read:
        def read(span: range) -> AsyncGenerator[memoryview]:
            return self._read(name, span)

        return read

    def open(self, name: str) -> IO[bytes]:
        with _answering((BaseError,)):
            reader = obstore.open_reader(self._store, name, buffer_size=PART_BYTES)
        return io.BufferedReader(_Reading(reader))

    async def publish(self, part: Path, name: str) -> None:
        """The part goes only when the bucket has confirmed that it has all of it."""
        size = await in_thread(size_on_disk, part)
        if size is None:
            if await self.size_of(name) is None:
                raise FileNotFoundError(part)
            return
        with _answering():
            await self._put(name, part)
        await in_thread(unlink, [part])

    async def size_of(self, name: str) -> int | None:
        with _answering():
            try:
                return (await obstore.head_async(self._store, name))["size"]
            except FileNotFoundError:
                return None

    async def remove(self, names: Sequence[str]) -> None:
        with _answering():
            await obstore.delete_async(self._store, list(names))

    async def pages(self) -> AsyncIterator[list[Kept]]:
        with _answering():
            async for page in self._listed():
                yield page

    async def is_in_use(self) -> bool:
        """Whether it holds any file. Raises BucketRefused."""
        with self._explaining():
            return any([page async for page in self._listed()])

    async def get_owner(self) -> str | None:
        """Whose files these are; None where nobody has said so. Raises BucketRefused."""
        with self._explaining():
            try:
                found = await obstore.get_async(self._store, OWNER)
            except FileNotFoundError:
                return None
            return bytes(await found.bytes_async()).decode(errors="replace")

    async def set_owner(self, owner: str) -> None:
        """Raises BucketRefused."""
        with self._explaining():
            await self._put(OWNER, owner.encode())

    async def clear(self) -> None:
        """Remove all files, and whose they are. Raises Refused(Unavailable)."""
        async for page in self.pages():
            await self.remove([kept.name for kept in page])
        await self.remove([OWNER])

    async def try_out(self) -> None:
        """Write, read and remove something of no meaning. Raises BucketRefused."""
        with self._explaining():
            await self._put(TRIAL, b"trial")
            found = await obstore.get_range_async(self._store, TRIAL, start=0, length=5)
            await obstore.delete_async(self._store, [TRIAL])
            if bytes(found) != b"trial":
                raise BucketRefused(f"{self._address} gives back other bytes than it was given.")

    async def _listed(self) -> AsyncIterator[list[Kept]]:
        listed = obstore.list(self._store, chunk_size=PAGE)  # pyright: ignore[reportUnknownMemberType]
        async for page in listed:
            yield [
                Kept(found["path"], found["size"], found["last_modified"].timestamp())
                for found in page
                if NAME.fullmatch(found["path"])
            ]

    async def _put(self, name: str, content: Path | bytes) -> None:
        await obstore.put_async(
            self._store, name, content, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
        )

    async def _read(self, name: str, span: range) -> AsyncGenerator[memoryview]:
        for start in range(span.start, span.stop, PIECE_BYTES):
            end = min(start + PIECE_BYTES, span.stop)
            with _answering():
                try:
                    piece = await obstore.get_range_async(self._store, name, start=start, end=end)
                except FileNotFoundError:
                    raise Refused(NotFound("file")) from None
            if len(piece) != end - start:  # what is there is not what was put there
                raise Refused(Unavailable())
            yield memoryview(piece)

    @contextmanager
    def _explaining(self) -> Generator[None]:
        """For an operator: what is wrong, and what to do."""
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError):
            raise BucketRefused(
                f"{self._address} does not let this server in: check {' and '.join(KEYS)}, and that"
                " they may get, put, delete and list there."
            ) from None
        except FileNotFoundError:
            raise BucketRefused(
                f"There is no bucket {self._address.bucket}. Make it, or name another with --blobs."
            ) from None
        except BaseError as error:
            raise BucketUnreachable(
                f"{self._address} does not answer as a bucket does ({type(error).__name__}): check"
                " AWS_ENDPOINT_URL and AWS_REGION, and that it runs."
            ) from None


class _Reading(io.RawIOBase):
    """A file as it is read from front to end, by who may block. Raises Refused(Unavailable)."""

    def __init__(self, reader: "obstore.ReadableFile") -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        space = memoryview(buffer)
        with _answering((BaseError, OSError)):
            piece = self._reader.read(len(space))
        space[: len(piece)] = memoryview(piece)
        return len(piece)

    def close(self) -> None:
        self._reader.close()
        super().close()


@contextmanager
def _answering(
    failures: tuple[type[Exception], ...] = (BaseError, FileNotFoundError),
) -> Generator[None]:
    """Whatever is wrong with a bucket is so for now: an operator can set it right.

    Raises Refused(Unavailable).
    """
    try:
        yield
    except failures as error:
        log.error("bucket.failed", error=type(error).__name__)
        raise Refused(Unavailable()) from None


def _store(address: Address) -> S3Store:
    missing = [name for name in KEYS if not os.environ.get(name)]
    if missing:
        raise BucketRefused(f"Set {' and '.join(missing)} in the environment: {address} needs it.")
    endpoints = [found for name in ENDPOINTS if (found := os.environ.get(name))]
    return S3Store(
        address.bucket,
        prefix=address.prefix or None,
        client_options={
            "allow_http": any([_is_http(endpoint) for endpoint in endpoints]),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=ANSWER_SECONDS),
        },
        retry_config={
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    )


def _is_http(endpoint: str) -> bool:
    """Without TLS a bucket is reached on this machine alone. Raises BucketRefused."""
    parts = urlsplit(endpoint)
    if parts.scheme == "https" and not parts.username:
        return False
    if parts.scheme == "http" and not parts.username and _is_loopback(parts.hostname or ""):
        return True
    raise BucketRefused(
        "AWS_ENDPOINT_URL has to be https://…, or http:// to this machine: keys would cross the"
        " network unprotected."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
