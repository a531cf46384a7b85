"""Looking for a text in bytes, however it may have been written there."""

import base64
from collections.abc import Iterator
from pathlib import Path


def spellings(text: bytes) -> dict[str, bytes]:
    """Every way the text may stand in bytes, by name."""
    found = {"raw": text, "hex": text.hex().encode(), "HEX": text.hex().upper().encode()}
    for shift in range(3):
        found[f"base64+{shift}"] = aligned(text, shift)
        found[f"base64url+{shift}"] = aligned(text, shift).translate(URL_SAFE)
    try:
        words = text.decode()
    except UnicodeDecodeError:
        return found
    return found | {
        "utf-16-le": words.encode("utf-16-le"),
        "utf-16-be": words.encode("utf-16-be"),
        "escaped": words.encode("unicode-escape"),
    }


URL_SAFE = bytes.maketrans(b"+/", b"-_")


def aligned(text: bytes, shift: int) -> bytes:
    """The base64 of `text` as it stands in a longer text, `shift` bytes after a group of three.

    The characters that also depend on the neighbours are left out.
    """
    encoded = base64.b64encode(bytes(shift) + text)
    first = -(-shift * 8 // 6)
    last = (shift + len(text)) * 8 // 6
    return encoded[first:last]


def occurrences(text: bytes, places: Iterator[tuple[str, bytes]]) -> list[str]:
    """Where it stands, and how: `place (spelling)`."""
    needles = spellings(text)
    return [
        f"{place} ({name})"
        for place, content in places
        for name, needle in needles.items()
        if needle in content
    ]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, by path; one that vanishes meanwhile is passed over."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                yield str(path.relative_to(folder)), path.read_bytes()
            except FileNotFoundError:
                continue
