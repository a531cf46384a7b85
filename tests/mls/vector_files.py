"""The official test vectors of RFC 9420, kept beside the repository, and our own inside it."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = Path(os.environ.get("COTERIE_VECTORS", _ROOT.parent / "shared" / "vectors")) / "mls"
OWN = Path(__file__).parent / "vectors"

Vector = dict[str, Any]


def official(name: str, minimum: int) -> list[Vector]:
    """The vectors of one file that are for our suites or for no suite; at least `minimum`."""
    with gzip.open(OFFICIAL / f"{name}.json.gz", "rt") as file:
        vectors: list[Vector] = json.load(file)
    ours = [vector for vector in vectors if vector.get("cipher_suite", 1) in (1, 3)]
    assert len(ours) >= minimum, f"{name}: {len(ours)} vectors, not {minimum}"
    return ours


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)
