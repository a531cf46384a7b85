"""How a running server is fuzzed: how much, from which seed, and what became of it."""

import os
import secrets
from collections import Counter
from typing import Final

from hypothesis import HealthCheck, Phase, settings

CASES: Final = int(os.environ.get("COTERIE_FUZZ_CASES") or 300)
HANG_SECONDS: Final = 1.0
"""What takes longer is asked again: where the machine had other work to do, it is quick then."""
LIMIT: Final = 20.0
"""Nothing is waited for any longer."""

AT_RANDOM: Final = settings(
    phases=[Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


class Tally:
    """What became of all that was asked: how often which outcome, and what took its time twice."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, int | str]] = Counter()
        self.hangs: list[str] = []
        self.slowest = 0.0

    @property
    def asked(self) -> int:
        return self.outcomes.total()

    def with_outcome(self, *outcomes: int | str) -> set[str]:
        """What was asked and had one of these."""
        return {label for label, outcome in self.outcomes if outcome in outcomes}

    def is_slow(self, seconds: float) -> bool:
        self.slowest = max(self.slowest, seconds)
        return seconds > HANG_SECONDS

    def __str__(self) -> str:
        totals: Counter[int | str] = Counter()
        for (_, outcome), count in self.outcomes.items():
            totals[outcome] += count
        return f"{self.asked} asked, the slowest {self.slowest:.2f} s: {dict(totals)}"


def new_seed() -> int:
    number = int(os.environ.get("COTERIE_SEED") or secrets.randbits(31))
    print(f"COTERIE_SEED={number}")  # noqa: T201
    return number


def complaints(log: str) -> list[str]:
    """What a server logs of errors that nobody expected."""
    return [line for line in log.splitlines() if "level='error'" in line or "Traceback" in line]
