"""What is counted, for who watches the server: never by person, group, address or session.

A process is one server, so the counters are its own; `exposition` prints them in Prometheus' text
format (version 0.0.4).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final


class Counter:
    """A number that only rises, one for each combination of the labels' values."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        if not labels:
            self._counts[()] = 0

    def add(self, *values: str, count: int = 1) -> None:
        self._counts[values] += count

    def lines(self) -> Iterator[str]:
        yield from _head(self._name, self._about, "counter")
        for values, count in sorted(self._counts.items()):
            yield f"{self._name}{_labelled(self._labels, values)} {count}"


class Histogram:
    """How often a number was at most so large."""

    def __init__(self, name: str, about: str, bounds: Sequence[int]) -> None:
        self._name, self._about, self._bounds = name, about, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0

    def observe(self, number: int) -> None:
        self._counts[bisect_left(self._bounds, number)] += 1
        self._sum += number

    def lines(self) -> Iterator[str]:
        yield from _head(self._name, self._about, "histogram")
        passed = 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            passed += count
            yield f'{self._name}_bucket{{le="{bound}"}} {passed}'
        yield f"{self._name}_sum {self._sum}"
        yield f"{self._name}_count {passed}"


class Gauge:
    """A number that is looked up when it is asked for."""

    def __init__(self, name: str, about: str, read: Callable[[], int]) -> None:
        self._name, self._about, self._read = name, about, read

    def lines(self) -> Iterator[str]:
        yield from _head(self._name, self._about, "gauge")
        yield f"{self._name} {self._read()}"


REQUESTS: Final = Counter(
    "coterie_requests_total", "Commands, and how each ended: ok or a refusal.", "command", "outcome"
)
REFUSALS: Final = Counter(
    "coterie_refusals_total", "Refusals, also of what was no command at all.", "code"
)
MESSAGES: Final = Counter("coterie_messages_committed_total", "Messages written to the log.")
BATCHES: Final = Histogram(
    "coterie_batch_messages",
    "Messages that shared one COMMIT.",
    (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000),
)
DELIVERIES: Final = Counter("coterie_deliveries_total", "Events pushed, counted at each socket.")
SLOW_READERS: Final = Counter(
    "coterie_sockets_too_slow_total", "Sockets closed because their reader did not keep up."
)
RESTARTS: Final = Counter("coterie_postgres_restarts_total", "Times PostgreSQL was started again.")

COUNTED: Final = (REQUESTS, REFUSALS, MESSAGES, BATCHES, DELIVERIES, SLOW_READERS, RESTARTS)


def exposition(gauges: Sequence[Gauge]) -> str:
    """Everything, as Prometheus reads it."""
    return "".join(f"{line}\n" for metric in (*COUNTED, *gauges) for line in metric.lines())


def _head(name: str, about: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _labelled(labels: Sequence[str], values: Sequence[str]) -> str:
    """Values are names of ours: nothing in them needs escaping."""
    if not labels:
        return ""
    return "{" + ",".join(f'{a}="{b}"' for a, b in zip(labels, values, strict=True)) + "}"
