"""A backup's file: a tar archive whose last member lists all others with their checksums.

It is written and read from front to end, so it may be larger than memory and than what is free.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec

from coterie.protocol import limits
from coterie.server.administration.refusals import Impossible

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database/"
FILES: Final = "files/"
SECRETS: Final = ("server.key", "registration.code")
BLOCK: Final = limits.MIB
_MEMBER: Final = re.compile(r"database/\d{6}|files/[0-9a-f]{32}|server\.key|registration\.code")

Passed = Callable[[int], None]
"""Told how many bytes went through."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `checksums` are SHA-256 by member.

    `dropped` are files that were deleted while the backup was made; `missing` those whose bytes
    were not there although the database knows them.
    """

    format: int
    created_at: datetime
    version: str
    schema_version: int
    dropped: tuple[str, ...]
    missing: tuple[str, ...]
    checksums: dict[str, str]


class BackupDamaged(Impossible):
    """The file is no whole backup."""

    def __init__(self, detail: str) -> None:
        super().__init__("backup_damaged", f"The backup is damaged: {detail}. Use another one.")


class Writer:
    """Writes the members of an archive, and remembers their checksums."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.TarFile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)
        self.checksums: dict[str, str] = {}

    def add(self, name: str, source: IO[bytes], size: int, passed: Passed | None = None) -> None:
        """A member of exactly `size` bytes."""
        reading = _Hashing(source, passed)
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, reading)
        self.checksums[name] = reading.digest

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, io.BytesIO(content), len(content))

    def finish(self, manifest: Manifest) -> None:
        """The last member."""
        self.add_bytes(MANIFEST, msgspec.json.encode(manifest))
        self._tar.close()


class Member:
    """One member as it is read, once. Whoever reads it to its end has its checksum noted."""

    def __init__(self, name: str, size: int, source: IO[bytes], passed: Passed | None) -> None:
        self.name = name
        self.size = size
        self._reading = _Hashing(source, passed)

    def blocks(self) -> Iterator[bytes]:
        while block := self._reading.read(BLOCK):
            yield block

    def finish(self) -> str:
        """The checksum, of whatever nobody read too."""
        for _ in self.blocks():
            pass
        return self._reading.digest


class Reader:
    """Reads an archive, once."""

    def __init__(self, path: Path, passed: Passed | None = None) -> None:
        self._path = path
        self._passed = passed
        self._manifest: Manifest | None = None

    def whole(self) -> Manifest:
        """The manifest, once `members` has ended: all of them are what was written."""
        assert self._manifest is not None, "members() has ended"  # noqa: S101
        return self._manifest

    def members(self) -> Iterator[Member]:
        """All but the manifest, in their order. Raises BackupDamaged."""
        try:
            with self._path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
                yield from self._members(tar)
        except (tarfile.TarError, EOFError) as error:
            raise BackupDamaged(f"it cannot be read to its end ({error})") from None

    def _members(self, tar: tarfile.TarFile) -> Iterator[Member]:
        checksums: dict[str, str] = {}
        for info in tar:
            source = tar.extractfile(info) if info.isfile() else None
            if source is None or info.name in checksums or self._manifest is not None:
                raise BackupDamaged(f"it holds {info.name!r}, which does not belong there")
            if info.name == MANIFEST:
                self._manifest = _manifest(source.read())
                continue
            if not _MEMBER.fullmatch(info.name):
                raise BackupDamaged(f"it holds {info.name!r}, which does not belong there")
            member = Member(info.name, info.size, source, self._passed)
            yield member
            checksums[info.name] = member.finish()
        self._compare(checksums)

    def _compare(self, checksums: dict[str, str]) -> None:
        if self._manifest is None:
            raise BackupDamaged("its end is missing")
        expected = self._manifest.checksums
        for name in checksums.keys() | expected.keys():
            if checksums.get(name) != expected.get(name):
                raise BackupDamaged(f"{name} is not what was written")


def _manifest(content: bytes) -> Manifest:
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        manifest = msgspec.json.decode(content, type=Manifest)
        if manifest.format == FORMAT:
            return manifest
        raise Impossible(
            "backup_too_new", "A newer Coterie made this backup. Install that version to use it."
        )
    raise BackupDamaged("its manifest cannot be read")


class _Hashing(io.RawIOBase):
    """A stream that is hashed while it is read."""

    def __init__(self, source: IO[bytes], passed: Passed | None) -> None:
        self._source = source
        self._passed = passed
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        self._hash.update(block)
        if self._passed:
            self._passed(len(block))
        return block

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
