"""Ed25519 verification by one rule everywhere: vectors that libraries are known to split on."""

import json
from pathlib import Path

import pytest

from coterie.mls import verify_ed25519

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ed25519.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_verdict_is_the_rules(vector: dict[str, str | bool]) -> None:
    public, message, signature = (
        bytes.fromhex(str(vector[name])) for name in ("public_key", "message", "signature")
    )
    assert verify_ed25519(public, message, signature) is vector["valid"]


def test_every_kind_of_case_is_there() -> None:
    names = " ".join(vector["name"] for vector in VECTORS)
    for kind in (
        "A of small order",
        "A not canonical",
        "R of small order",
        "R not canonical",
        "S raised",
        "mixed",
    ):
        assert kind in names
    assert {vector["valid"] for vector in VECTORS} == {True, False}
