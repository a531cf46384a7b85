"""Our core and ts-mls live in one group, whoever begins it."""

from collections.abc import Callable
from itertools import count

import pytest

from tests.interop.circle import Circle
from tests.interop.client import OpenClient, OwnClient
from tests.interop.ts_mls import TsMls, TsMlsClient
from tests.mls.clients import SUITE_IDS

Make = Callable[[], OpenClient]


@pytest.fixture(params=SUITE_IDS, ids=lambda suite_id: f"suite {suite_id}")
def makers(request: pytest.FixtureRequest, node: TsMls) -> tuple[Make, Make]:
    """Make a client of ours, and one of theirs, with a name of its own."""
    names = (f"client {number}" for number in count(1))
    suite_id: int = request.param
    return lambda: OwnClient(next(names), suite_id), lambda: node.client(next(names), suite_id)


@pytest.fixture(params=["ours begins", "theirs begins"])
def kinds(request: pytest.FixtureRequest, makers: tuple[Make, Make]) -> tuple[Make, Make]:
    ours, theirs = makers
    return makers if request.param == "ours begins" else (theirs, ours)


def test_a_life_together(kinds: tuple[Make, Make]) -> None:
    here, there = kinds
    ann, bela, chen = here(), there(), here()
    circle = Circle(ann)
    circle.commit(ann, adds=[bela])
    circle.commit(bela, adds=[chen])
    for member in (ann, bela, chen):
        circle.talk(member)
        circle.commit(member)
    circle.commit(bela, removes=[chen])
    dana, emil, fay = there(), here(), there()
    circle.commit(ann, adds=[dana, emil])
    circle.commit(dana, adds=[fay], removes=[ann])
    circle.restore()
    for member in (bela, dana, emil, fay):
        circle.commit(member)
        circle.talk(member)
    assert circle.steps >= 40


def test_entering_from_the_outside(kinds: tuple[Make, Make]) -> None:
    here, there = kinds
    ann, bela = here(), there()
    circle = Circle(ann)
    circle.commit(ann, adds=[bela])
    for host in (ann, bela):
        for newcomer in (here(), there()):
            circle.enter(newcomer, host)
            circle.talk(newcomer)
    for lost, host in ((ann, bela), (bela, ann)):
        circle.enter(lost, host, resync=True)
        circle.commit(lost)
    assert circle.steps >= 30


def test_we_follow_commits_in_private_messages(makers: tuple[Make, Make]) -> None:
    ours, theirs = (make() for make in makers)
    assert isinstance(theirs, TsMlsClient)
    circle = Circle(ours)
    circle.commit(ours, adds=[theirs])
    circle.deliver(theirs, theirs.commit([], [], privately=True))
    circle.commit(ours)
