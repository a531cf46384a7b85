"""The official test vectors of RFC 9420, kept beside the repository, and our own inside it."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

from coterie.mls import Group, KeyPackage, KeyPackageSecrets, PublicGroup, suite
from coterie.mls.messages import decode_message

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


def own(name: str) -> list[Vector]:
    vectors: list[Vector] = json.loads((OWN / f"{name}.json").read_text())
    assert [vector["cipher_suite"] for vector in vectors] == [1, 3]
    return vectors


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def anchored(vector: Vector) -> PublicGroup:
    """Where a chain of our own vectors begins."""
    parts = (vector[name] for name in ("context", "ratchet_tree", "confirmation_tag"))
    return PublicGroup.from_anchor(*map(unhex, parts))


def joined(vector: Vector) -> Group:
    """The member of one of our own passive vectors, where it begins."""
    package = decode_message(unhex(vector["key_package"]))
    assert isinstance(package, KeyPackage)
    names = ("init_priv", "encryption_priv", "signature_priv")
    secrets = KeyPackageSecrets(package, *(unhex(vector[name]) for name in names))
    psks = {unhex(one["psk_id"]): unhex(one["psk"]) for one in vector["external_psks"]}
    welcome, tree = unhex(vector["welcome"]), unhex(vector["ratchet_tree"])
    return Group.join(suite(vector["cipher_suite"]), welcome, secrets, tree, psks)
