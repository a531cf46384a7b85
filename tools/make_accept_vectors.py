"""Writes tests/vectors/accept.json and accept-large.json.gz from the cases of the tests.

Run as `python -m tools.make_accept_vectors` from the root of the repository. Keys and ids are the
same in each run; MLS draws fresh secrets, so that the bytes differ and the meaning does not.
"""

import sys
from collections.abc import Callable

from coterie.governance.accept import accept, accept_genesis
from coterie.governance.anchors import anchor_hash, verify_chain
from coterie.governance.rules.rule import Rule
from coterie.mls import PublicGroup
from coterie.protocol.errors import Refused
from tests.governance import vectors
from tests.governance.cases.all import BEGINNINGS, CASES, CHAINS
from tests.governance.cases.beginnings import SERVER_KEY, Beginning
from tests.governance.cases.case import Case
from tests.governance.cases.chains import ChainCase
from tests.governance.cases.large import the_owner_adds_a_device_to
from tests.governance.vectors import Json


class States:
    """Each public state once, by a name of its own."""

    def __init__(self) -> None:
        self.by_name: Json = {}
        self._names: dict[bytes, str] = {}

    def name(self, public: PublicGroup) -> str:
        key = public.encode()
        if key not in self._names:
            self._names[key] = f"state-{len(self._names)}"
            self.by_name[self._names[key]] = vectors.state_to_json(public)
        return self._names[key]


def judged(name: str, rule: Rule | None, judge: Callable[[], Json]) -> Json:
    """The outcome, which has to be the one the case promises."""
    try:
        outcome = {"rule": None, **judge()}
    except Refused as no:
        outcome = vectors.refusal_to_json(no)
    if outcome["rule"] != rule:
        sys.exit(f"{name}: {outcome['rule']} instead of {rule}")
    return outcome


def case_to_json(case: Case, states: States) -> Json:
    public, commit = case.stage()
    return {
        "name": case.name,
        "state": states.name(public),
        "commit": vectors.commit_to_json(commit),
        **judged(case.name, case.rule, lambda: vectors.verdict_to_json(accept(public, commit))),
    }


def beginning_to_json(case: Beginning, states: States) -> Json:
    public = case.stage()

    def judge() -> Json:
        accept_genesis(public, server_key=SERVER_KEY)
        return {"context_hash": vectors.text_of(anchor_hash(public.context))}

    return {
        "name": case.name,
        "state": states.name(public),
        "server_key": vectors.text_of(SERVER_KEY),
        **judged(case.name, case.rule, judge),
    }


def chain_to_json(case: ChainCase) -> Json:
    chain = case.stage()

    def judge() -> Json:
        reached = verify_chain(chain.anchor, chain.expected, chain.commits)
        return {"context_hash": vectors.text_of(anchor_hash(reached.context))}

    return {
        "name": case.name,
        "anchor": {
            "context": vectors.text_of(chain.anchor.group_context),
            "tree": vectors.text_of(chain.anchor.ratchet_tree),
            "tag": vectors.text_of(chain.anchor.confirmation_tag),
        },
        "expected": {
            "genesis": vectors.text_of(chain.expected.genesis),
            "epoch": chain.expected.epoch,
            "context_hash": vectors.text_of(chain.expected.context_hash),
        },
        "commits": [vectors.text_of(commit) for commit in chain.commits],
        **judged(case.name, case.rule, judge),
    }


def main() -> None:
    states = States()
    accept_vectors = {
        "about": (vectors.__doc__ or "").strip(),
        "cases": [case_to_json(case, states) for case in CASES],
        "genesis": [beginning_to_json(case, states) for case in BEGINNINGS],
        "chains": [chain_to_json(case) for case in CHAINS],
        "states": states.by_name,
    }
    vectors.write(vectors.ACCEPT, accept_vectors)
    large = Case(
        "a_group_has_2001_leaves", Rule.TREE_LEAVES, lambda: the_owner_adds_a_device_to(2_000)
    )
    states = States()
    cases = [case_to_json(large, states)]
    vectors.write(vectors.LARGE, {"cases": cases, "states": states.by_name})


if __name__ == "__main__":
    main()
