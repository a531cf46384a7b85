"""The names of files: sealed for the server's column, and made harmless for the local disk."""

import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Final

from coterie.sdk.seals import NONCE_BYTES, SealBroken, decrypt, encrypt

SEALED_LENGTHS: Final = (64, 112, 175)
"""What a name is padded to, in bytes; 175 fill the 255 characters of the column."""
LOCAL_BYTES: Final = 200
FALLBACK: Final = "file"
_ONCE: Final = bytes(NONCE_BYTES)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_RESERVED: Final = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def seal_name(file_key: bytes, header: bytes, name: str) -> str:
    """The column `files.filename`: base64url of the encrypted, cut and padded name.

    The nonce is zero: the key belongs to one upload and encrypts this one name.
    """
    encoded = shortened(name.replace("\0", ""), SEALED_LENGTHS[-1]).encode()
    length = next(bucket for bucket in SEALED_LENGTHS if len(encoded) <= bucket)
    sealed = encrypt(_name_key(file_key, header), _ONCE, encoded.ljust(length, b"\0"), b"")
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_name(file_key: bytes, header: bytes, column: str) -> str:
    """The name, perhaps shortened. Raises SealBroken."""
    try:
        sealed = urlsafe_b64decode(column + "=" * (-len(column) % 4))
    except ValueError:
        raise SealBroken("the name is not base64url") from None
    name = decrypt(_name_key(file_key, header), _ONCE, sealed, b"").rstrip(b"\0")
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise SealBroken("the name is no text") from None


def shortened(name: str, most_bytes: int) -> str:
    """At most `most_bytes` of UTF-8, cut between characters, with the extension kept."""
    if len(name.encode()) <= most_bytes:
        return name
    stem, dot, extension = name.rpartition(".")
    suffix = (dot + extension).encode()
    if not stem or len(suffix) > most_bytes // 2:
        stem, suffix = name, b""
    kept = stem.encode()[: most_bytes - len(suffix)].decode(errors="ignore")
    return kept + suffix.decode()


def local_name(name: str) -> str:
    """A name somebody else chose, fit for a file here.

    No folders, no control or direction-changing characters, nothing hidden or option-like at the
    start, no device names, and not too long.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(c for c in last if unicodedata.category(c)[0] != "C")
    plain = _FORBIDDEN.sub("_", visible).lstrip(".- ~").rstrip(". ")
    if _RESERVED.match(plain):
        plain = "_" + plain
    return shortened(plain, LOCAL_BYTES) or FALLBACK


def free_path(folder: Path, name: str) -> Path:
    """An empty new file in `folder`, by a harmless form of `name`, numbered if that is taken."""
    for candidate in _candidates(local_name(name)):
        path = folder / candidate
        try:
            path.open("xb").close()
        except FileExistsError:
            continue
        return path
    raise AssertionError("there is always a next number")


def _candidates(name: str) -> Iterator[str]:
    yield name
    path = Path(name)
    for number in count(1):
        yield f"{path.stem} ({number}){path.suffix}"


def _name_key(file_key: bytes, header: bytes) -> bytes:
    return blake2b(b"coterie/1 name" + header, key=file_key, digest_size=32).digest()
