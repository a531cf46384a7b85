"""The committed vectors, which every implementation of `accept` must agree with."""

from typing import Any

import pytest

from coterie.governance.accept import accept, accept_genesis
from coterie.governance.anchors import anchor_hash, verify_chain
from coterie.governance.rules.rule import Rule
from coterie.mls import GroupContext
from coterie.protocol.commands import Anchor
from coterie.protocol.errors import Refused
from tests.governance import vectors
from tests.governance.vectors import Json

ACCEPT = vectors.read(vectors.ACCEPT)
LARGE = vectors.read(vectors.LARGE)
CASES = [(file, case) for file in (ACCEPT, LARGE) for case in file["cases"]]


def name_of(value: Any) -> str:
    return str(value["name"]) if "name" in value else ""


def outcome_of(case: Json) -> Json:
    return {key: case[key] for key in ("rule", "changes", "context_hash") if key in case}


def reached(context: GroupContext) -> Json:
    return {"rule": None, "context_hash": vectors.text_of(anchor_hash(context))}


@pytest.mark.parametrize(("file", "case"), CASES, ids=name_of)
def test_a_commit(file: Json, case: Json) -> None:
    public = vectors.state_from_json(file["states"][case["state"]])
    commit = vectors.commit_from_json(case["commit"])
    try:
        outcome = {"rule": None, **vectors.verdict_to_json(accept(public, commit))}
    except Refused as no:
        outcome = vectors.refusal_to_json(no)
    assert outcome == outcome_of(case)


@pytest.mark.parametrize("case", ACCEPT["genesis"], ids=name_of)
def test_a_beginning(case: Json) -> None:
    public = vectors.state_from_json(ACCEPT["states"][case["state"]])
    try:
        accept_genesis(public, server_key=vectors.bytes_of(case["server_key"]))
        outcome = reached(public.context)
    except Refused as no:
        outcome = vectors.refusal_to_json(no)
    assert outcome == outcome_of(case)


@pytest.mark.parametrize("case", ACCEPT["chains"], ids=name_of)
def test_a_chain(case: Json) -> None:
    parts = {name: vectors.bytes_of(value) for name, value in case["anchor"].items()}
    anchor = Anchor(
        group_context=parts["context"],
        ratchet_tree=parts["tree"],
        confirmation_tag=parts["tag"],
    )
    trusted = case["expected"]
    expected = (
        vectors.bytes_of(trusted["genesis"]),
        trusted["epoch"],
        vectors.bytes_of(trusted["context_hash"]),
    )
    try:
        group = verify_chain(anchor, expected, map(vectors.bytes_of, case["commits"]))
        outcome = reached(group.context)
    except Refused as no:
        outcome = vectors.refusal_to_json(no)
    assert outcome == outcome_of(case)


def test_every_rule_refuses_something() -> None:
    refused = {
        case["rule"]
        for cases in (ACCEPT["cases"], LARGE["cases"], ACCEPT["genesis"], ACCEPT["chains"])
        for case in cases
    }
    assert refused - {None} == set(Rule), "the vectors and the code know the same rules"


def test_every_kind_of_change_is_made() -> None:
    made = {change["change"] for _, case in CASES for change in case.get("changes", [])}
    assert made == set(vectors.CHANGES), "every change has a vector in which it is accepted"
