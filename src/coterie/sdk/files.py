"""Files as the server stores them: a libsodium secretstream of 64 KiB chunks.

Each upload has a key and a header of its own, so that no key ever meets two contents. The plaintext
is padded with zeros to a bucket; the last chunk carries TAG_FINAL. Both directions stream: memory
does not grow with the file (`docs/protocol.md` §5).
"""

import asyncio
import errno
import mimetypes
import secrets
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from hmac import compare_digest
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Final
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from coterie.protocol import limits
from coterie.protocol.commands import Hash, Key
from coterie.sdk.errors import ClientError
from coterie.sdk.file_names import free_path, seal_name
from coterie.sdk.padding import padded_length

CHUNK_BYTES: Final = limits.FILE_CHUNK_BYTES
HEADER_BYTES: Final = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
OVERHEAD_BYTES: Final = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL: Final = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_BATCH_CHUNKS: Final = 16

Progress = Callable[[int], None]
"""Told how many bytes of the ciphertext have passed so far."""


class FileChanged(ClientError):
    """The file grew or shrank while it was being sent."""

    code = "file_changed"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} changed while it was being sent. Send it again.")


class FileDamaged(ClientError):
    """What arrived is not the file that was sent: changed, cut off, or with bytes added."""

    code = "file_damaged"

    def __init__(self, detail: str) -> None:
        super().__init__(f"This is not the file that was sent: {detail}. Nothing was kept of it.")


class FileTooLarge(ClientError):
    """The file is larger than the protocol allows."""

    code = "file_too_large"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is larger than {limits.FILE_BYTES} bytes, the most a file takes.")


class FileInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its message describes it. `size_bytes` is the true length.

    `hash` is BLAKE2b-256 of header and ciphertext; `dimensions` are width and height in pixels.
    """

    file_id: UUID
    key: Key
    encryption_header: Annotated[bytes, Meta(min_length=HEADER_BYTES, max_length=HEADER_BYTES)]
    name: Annotated[str, Meta(max_length=1024)]
    mime_type: Annotated[str, Meta(max_length=255)]
    size_bytes: Annotated[int, Meta(ge=0, le=limits.FILE_BYTES)]
    hash: Hash
    dimensions: tuple[int, int] | None = None
    thumbnail: Annotated[bytes, Meta(max_length=16 * limits.KIB)] | None = None

    def __repr__(self) -> str:
        return f"FileInfo(file_id={self.file_id}, size_bytes={self.size_bytes}, …)"


def sealed_size(size: int) -> int:
    """How many bytes the server stores for a file of `size` bytes."""
    padded = padded_length(size)
    return padded + OVERHEAD_BYTES * -(-padded // CHUNK_BYTES)


class SealedFile:
    """A file on its way out: reserve `sealed_bytes`, send `stream()` once, then tell `info()`.

    A second attempt is a second SealedFile: the file may have changed, and a key is used once.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, FileTooLarge."""
        self.file_id = uuid4()
        self.name = path.name.encode(errors="replace").decode()  # a name on disk may be no text
        self.size_bytes = size_of(path)
        self.sealed_bytes = sealed_size(self.size_bytes)
        self._path = path
        self._key = secrets.token_bytes(32)
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        self.encryption_header = sodium.crypto_secretstream_xchacha20poly1305_init_push(
            self._state, self._key
        )
        self._hash = blake2b(self.encryption_header, digest_size=32)
        self._sent_bytes = 0

    @property
    def filename(self) -> str:
        """The sealed name, for the server's column."""
        return seal_name(self._key, self.encryption_header, self.name)

    def chunks(self) -> Generator[bytes]:
        """The ciphertext. Raises FileChanged, OSError."""
        padded = padded_length(self.size_bytes)
        with self._path.open("rb") as file:
            for start in range(0, padded, CHUNK_BYTES):
                end = min(start + CHUNK_BYTES, padded)
                plain = file.read(max(0, min(end, self.size_bytes) - start))
                if end == padded and (file.tell() != self.size_bytes or file.read(1)):
                    raise FileChanged(self._path)
                yield self._push(plain.ljust(end - start, b"\0"), last=end == padded)

    async def stream(self) -> AsyncGenerator[bytes]:
        """The ciphertext in blocks of 1 MiB, read and encrypted off the event loop."""
        with closing(self.chunks()) as chunks:
            while block := await asyncio.to_thread(_join, chunks):
                yield block

    def info(self) -> FileInfo:
        """What the message says of the file; known when all of it has been sent."""
        assert self._sent_bytes == self.sealed_bytes, "the hash is not complete"  # noqa: S101
        return FileInfo(
            file_id=self.file_id,
            key=self._key,
            encryption_header=self.encryption_header,
            name=self.name,
            mime_type=mimetypes.guess_type(self.name)[0] or "application/octet-stream",
            size_bytes=self.size_bytes,
            hash=self._hash.digest(),
        )

    def _push(self, plain: bytes, *, last: bool) -> bytes:
        chunk = sodium.crypto_secretstream_xchacha20poly1305_push(
            self._state, plain, tag=_FINAL if last else _MESSAGE
        )
        self._hash.update(chunk)
        self._sent_bytes += len(chunk)
        return chunk


class FileOpener:
    """Decrypts a file as its bytes arrive, in blocks of any size."""

    def __init__(self, info: FileInfo) -> None:
        self._info = info
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(
            self._state, info.encryption_header, info.key
        )
        self._hash = blake2b(info.encryption_header, digest_size=32)
        self._waiting = bytearray()
        self._sealed_left = sealed_size(info.size_bytes)
        self._plain_left = info.size_bytes

    def update(self, block: bytes) -> bytes:
        """The plaintext of the chunks this block completes. Raises FileDamaged."""
        self._waiting += block
        plain = bytearray()
        while self._waiting and len(self._waiting) >= self._next_bytes():
            plain += self._pull(self._take(self._next_bytes()))
        return bytes(plain)

    def finish(self) -> None:
        """Nothing more will come. Raises FileDamaged unless the file is whole."""
        if self._sealed_left or self._waiting:
            raise FileDamaged("it is cut off")
        if not compare_digest(self._hash.digest(), self._info.hash):
            raise FileDamaged("it is not the one the message names")

    def _next_bytes(self) -> int:
        if not self._sealed_left:
            raise FileDamaged("there are bytes after its end")
        return min(CHUNK_BYTES + OVERHEAD_BYTES, self._sealed_left)

    def _take(self, length: int) -> bytes:
        chunk = bytes(self._waiting[:length])
        del self._waiting[:length]
        self._sealed_left -= length
        self._hash.update(chunk)
        return chunk

    def _pull(self, chunk: bytes) -> bytes:
        try:
            plain, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(self._state, chunk)
        except CryptoError:
            raise FileDamaged("a part of it was changed or moved") from None
        if tag != (_MESSAGE if self._sealed_left else _FINAL):
            raise FileDamaged("it ends in the wrong place")
        return self._without_padding(plain)

    def _without_padding(self, plain: bytes) -> bytes:
        content = plain[: self._plain_left]
        self._plain_left -= len(content)
        if any(plain[len(content) :]):
            raise FileDamaged("it is longer than its message says")
        return content


async def open_file(
    info: FileInfo,
    blocks: AsyncIterable[bytes],
    out: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the file to `out`, whole or not at all, and say where it is.

    `out` is a file (replaced if it exists) or a folder, by default the current one: there the file
    gets its own name, made harmless, and never replaces another. Raises FileDamaged, OSError.
    """
    with _part_file(_folder(out)) as part:
        opener = FileOpener(info)
        arrived = 0
        async for block in blocks:
            await asyncio.to_thread(_write, part, opener, block)
            arrived += len(block)
            if progress:
                progress(arrived)
        opener.finish()
        part.close()
        return _settle(Path(part.name), out, info.name)


def _folder(out: Path | None) -> Path:
    if out is None:
        return Path()
    if out.is_dir():
        return out
    if out.exists() and not out.is_file():
        raise FileExistsError(errno.EEXIST, "This is not an ordinary file", str(out))
    return out.parent


@contextmanager
def _part_file(folder: Path) -> Generator[IO[bytes]]:
    with tempfile.NamedTemporaryFile(
        dir=folder, prefix=".coterie-", suffix=".part", delete=False
    ) as part:
        try:
            yield part
        finally:
            Path(part.name).unlink(missing_ok=True)


def _settle(part: Path, out: Path | None, name: str) -> Path:
    if out is None or out.is_dir():
        return part.replace(free_path(out or Path(), name))
    return part.replace(out)


def _write(file: IO[bytes], opener: FileOpener, block: bytes) -> None:
    file.write(opener.update(block))


def _join(chunks: Iterator[bytes]) -> bytes:
    return b"".join(islice(chunks, _BATCH_CHUNKS))


def size_of(path: Path) -> int:
    """Raises OSError, FileTooLarge."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "This is not an ordinary file", str(path))
    size = path.stat().st_size
    if size > limits.FILE_BYTES:
        raise FileTooLarge(path)
    return size
