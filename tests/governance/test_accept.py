"""Every case is judged as its name says."""

from collections.abc import Callable

import pytest

from coterie.governance.accept import accept, accept_genesis
from coterie.governance.anchors import verify_chain
from coterie.governance.leaves import members_of
from coterie.governance.rules.rule import Rule
from coterie.governance.succession import settle
from coterie.protocol.errors import CommitRefused, Refused
from tests.governance.cases.all import BEGINNINGS, CASES, CHAINS
from tests.governance.cases.beginnings import SERVER_KEY, Beginning
from tests.governance.cases.case import Case
from tests.governance.cases.chains import ChainCase
from tests.governance.cases.large import the_owner_adds_a_device_to


def refuses(rule: Rule, judge: Callable[[], object]) -> None:
    with pytest.raises(Refused) as no:
        judge()
    refusal = no.value.refusal
    assert isinstance(refusal, CommitRefused)
    assert refusal.rule == rule, refusal.detail
    assert refusal.detail, "a refusal says what is wrong"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_judges_a_commit(case: Case) -> None:
    public, commit = case.stage()
    if case.rule is not None:
        refuses(case.rule, lambda: accept(public, commit))
        return
    verdict = accept(public, commit)
    members = members_of(verdict.after.tree)
    settled = settle(verdict.state, verdict.state, members, verdict.after.epoch + 1)
    assert verdict.after.epoch == public.epoch + 1
    assert settled == verdict.state, "an accepted state needs no further settling"


@pytest.mark.parametrize("case", BEGINNINGS, ids=lambda case: case.name)
def test_judges_a_beginning(case: Beginning) -> None:
    public = case.stage()
    if case.rule is None:
        assert accept_genesis(public, server_key=SERVER_KEY).server_key == SERVER_KEY
    else:
        refuses(case.rule, lambda: accept_genesis(public, server_key=SERVER_KEY))


@pytest.mark.parametrize("case", CHAINS, ids=lambda case: case.name)
def test_judges_a_chain(case: ChainCase) -> None:
    chain = case.stage()
    if case.rule is None:
        reached = verify_chain(chain.anchor, chain.expected, chain.commits)
        assert reached.epoch == chain.expected.epoch + len(chain.commits)
    else:
        refuses(case.rule, lambda: verify_chain(chain.anchor, chain.expected, chain.commits))


def test_a_group_has_at_most_2000_leaves() -> None:
    public, commit = the_owner_adds_a_device_to(1_999)
    assert len(accept(public, commit).changes) == 1
    public, commit = the_owner_adds_a_device_to(2_000)
    refuses(Rule.TREE_LEAVES, lambda: accept(public, commit))
