"""Random lives of one group in which members are of three implementations.

The seed of a run is printed and names the failing test; COTERIE_SEED repeats its choices.
COTERIE_STEPS=5000 lives that long.
"""

import os
import random
import secrets
from collections.abc import Callable, Sequence
from itertools import count

import pytest

from tests.interop.circle import Circle
from tests.interop.client import Client, OpenClient, OwnClient
from tests.interop.mls_rs import SUITE_ID, MlsRsClient
from tests.interop.ts_mls import TsMls
from tests.mls.clients import SUITE_IDS

STEPS = int(os.environ.get("COTERIE_STEPS") or 120)
"""Of the lives in all suites together."""
MOST_MEMBERS = 10

Make = Callable[[str], Client]


class Life:
    def __init__(self, makers: Sequence[Make], own: Make, choice: random.Random) -> None:
        self.makers, self.choice = makers, choice
        self.names = (f"client {number}" for number in count(1))
        founder = self.newcomer()
        self.circle = Circle(founder)
        self.circle.commit(founder, adds=[own(next(self.names))])

    def newcomer(self) -> Client:
        return self.choice.choice(self.makers)(next(self.names))

    @property
    def members(self) -> list[Client]:
        return self.circle.members

    def anyone(self) -> Client:
        return self.choice.choice(self.members)

    def step(self) -> str:
        """One random change, after which all agree; its name."""
        commits = [self.add, self.remove, self.update, self.mix]
        change = self.choice.choice([*commits, self.enter, self.resync, self.talk, self.restore])
        change()
        return change.__name__

    def add(self) -> None:
        self._commit(self.choice.randint(1, 2), 0)

    def remove(self) -> None:
        self._commit(0, self.choice.randint(1, 2))

    def update(self) -> None:
        self._commit(0, 0)

    def mix(self) -> None:
        self._commit(self.choice.randint(1, 2), self.choice.randint(1, 2))

    def _commit(self, adding: int, removing: int) -> None:
        adds = [self.newcomer() for _ in range(min(adding, MOST_MEMBERS - len(self.members)))]
        removes = self._going(removing)
        leaves = [self.circle.leaf_of(one) for one in removes]
        authors = [
            one for one in self.members if one not in removes and one.can_commit(len(adds), leaves)
        ]
        self.circle.commit(self.choice.choice(authors), adds, removes)

    def _going(self, number: int) -> list[Client]:
        """Any but one of ours, by which the circle knows who sits where."""
        kept = self.choice.choice([one for one in self.members if isinstance(one, OwnClient)])
        others = [one for one in self.members if one is not kept]
        return self.choice.sample(others, min(number, len(others)))

    def enter(self) -> None:
        newcomer = self.newcomer()
        if isinstance(newcomer, OpenClient) and len(self.members) < MOST_MEMBERS:
            self.circle.enter(newcomer, self._open_member())

    def resync(self) -> None:
        lost = self._open_member()
        others = [one for one in self._open_members() if one is not lost]
        if others:
            self.circle.enter(lost, self.choice.choice(others), resync=True)

    def _open_member(self) -> OpenClient:
        return self.choice.choice(self._open_members())

    def _open_members(self) -> list[OpenClient]:
        return [one for one in self.members if isinstance(one, OpenClient)]

    def talk(self) -> None:
        self.circle.talk(self.anyone())

    def restore(self) -> None:
        self.circle.restore()


def makers(suite_id: int, node: TsMls) -> list[Make]:
    """Ours first; mls-rs knows one suite."""
    both: list[Make] = [
        lambda name: OwnClient(name, suite_id),
        lambda name: node.client(name, suite_id),
    ]
    return [*both, MlsRsClient] if suite_id == SUITE_ID else both


@pytest.mark.timeout(300 + STEPS)
@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_three_implementations_agree_through_a_random_life(suite_id: int, node: TsMls) -> None:
    seed = int(os.environ.get("COTERIE_SEED") or secrets.randbits(32))
    print(f"COTERIE_SEED={seed}")  # noqa: T201
    kinds = makers(suite_id, node)
    steps: list[str] = []
    try:
        life = Life(kinds, kinds[0], random.Random(seed))  # noqa: S311
        for _ in range(STEPS // len(SUITE_IDS)):
            steps.append(life.step())
    except Exception as error:
        raise AssertionError(f"COTERIE_SEED={seed} after {steps[-50:]}") from error
    assert len(set(steps)) >= 6, "a life has seen most kinds of change"
