"""Whatever the bytes, `accept` gives a verdict or a refusal, and the same one each time."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.governance.accept import Verdict, accept
from coterie.governance.leaves import REQUIRED, STATE_EXTENSION
from coterie.governance.rules.rule import Rule
from coterie.governance.warrants import encode_warrants
from coterie.protocol.errors import Refused
from tests.governance.cases.all import CASES
from tests.governance.cases.case import Case
from tests.governance.forgery import flipped, forge, tag_bytes
from tests.governance.people import Person
from tests.governance.scene import Offer, Scene, garden
from tests.governance.vectors import refusal_to_json


def rule_of(offer: Offer) -> str | None:
    try:
        accept(*offer)
    except Refused as no:
        return refusal_to_json(no)["rule"]
    return None


@cache
def scene() -> Scene:
    return garden()


@cache
def join() -> Offer:
    return scene().offer(scene().chat.join(Person.new("sam").first, scene().link))


@given(st.data(), st.integers(1, 255))
def test_a_changed_byte_of_a_join_is_refused(draw: st.DataObject, flip: int) -> None:
    public, commit = join()
    position = draw.draw(st.integers(0, len(commit) - tag_bytes(commit) - 1))
    assert rule_of((public, flipped(commit, position, flip))) == Rule.COMMIT_MLS


@given(st.data())
def test_a_join_that_is_cut_off_is_refused(draw: st.DataObject) -> None:
    public, commit = join()
    length = draw.draw(st.integers(0, len(commit) - 1))
    assert rule_of((public, commit[:length])) == Rule.COMMIT_MLS
    assert rule_of((public, commit + commit[:length] + b"\0")) == Rule.COMMIT_MLS


@given(st.binary(max_size=300))
def test_any_bytes_for_a_commit_are_refused(data: bytes) -> None:
    assert rule_of(scene().offer(data)) == Rule.COMMIT_MLS


@settings(max_examples=50)
@given(st.data())
def test_signed_but_hostile_warrants_are_refused(draw: st.DataObject) -> None:
    """The committer may sign any authenticated_data: what is wrong in it is refused by a rule."""
    chat, member = scene().chat, scene().member
    honest = encode_warrants([scene().leaving(member), member.first.list_item()])
    position = draw.draw(st.integers(0, len(honest) - 1))
    data = flipped(honest, position, draw.draw(st.integers(1, 255)))
    offer = scene().offer(forge(chat, scene().moderator.first, authenticated_data=data))
    expected = {Rule.WARRANT_ENCODING, Rule.WARRANT_UNUSED, Rule.LIST_VALID}
    assert rule_of(offer) in expected


@settings(max_examples=50)
@given(st.data())
def test_a_signed_but_hostile_state_is_refused(draw: st.DataObject) -> None:
    """A plain member may sign any state: whatever differs needs a right they lack."""
    state = scene().state.encode()
    position = draw.draw(st.integers(0, len(state) - 1))
    changed = flipped(state, position, draw.draw(st.integers(1, 255)))
    extensions = [(3, REQUIRED), (STATE_EXTENSION, changed)]
    offer = scene().offer(scene().chat.commit(scene().member.first, extensions=extensions))
    rule = rule_of(offer)
    assert rule is not None, "no byte of the state is a plain member's to change"
    assert rule != Rule.COMMIT_MLS, "it is our rules that refuse it"


@pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case.name)
def test_the_verdict_is_the_same_each_time(case: Case) -> None:
    public, commit = case.stage()
    before = public.encode()

    def judge() -> Verdict | str | None:
        return accept(public, commit) if case.rule is None else rule_of((public, commit))

    assert judge() == judge()
    assert public.encode() == before, "accept changes nothing"
