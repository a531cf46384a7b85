"""Our core and mls-rs live in one group, whoever begins it."""

from collections.abc import Callable
from itertools import count

import pytest

from tests.interop.circle import Circle
from tests.interop.client import Client, OwnClient
from tests.interop.mls_rs import SUITE_ID, MlsRsClient

Make = Callable[[], Client]


@pytest.fixture
def names() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"client {next(numbers)}"


@pytest.fixture(params=["ours begins", "theirs begins"])
def kinds(request: pytest.FixtureRequest, names: Callable[[], str]) -> tuple[Make, Make]:
    def ours() -> Client:
        return OwnClient(names(), SUITE_ID)

    def theirs() -> Client:
        return MlsRsClient(names())

    return (ours, theirs) if request.param == "ours begins" else (theirs, ours)


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
    dana, emil = there(), here()
    circle.commit(ann, adds=[dana, emil])
    circle.restore()
    for member in (ann, bela, dana, emil):
        circle.commit(member)
        circle.talk(member)
    circle.commit(emil, removes=[ann])
    circle.commit(dana, removes=[bela])
    circle.commit(dana)
    assert circle.steps >= 40


def test_they_follow_who_enters_from_the_outside(names: Callable[[], str]) -> None:
    ours, theirs = OwnClient(names(), SUITE_ID), MlsRsClient(names())
    circle = Circle(theirs)
    circle.commit(theirs, adds=[ours])
    newcomer = OwnClient(names(), SUITE_ID)
    circle.enter(newcomer, ours)
    circle.talk(newcomer)
    circle.enter(newcomer, ours, resync=True)
    for member in (theirs, ours, newcomer):
        circle.commit(member)
    circle.talk(theirs)
    assert circle.steps >= 12
