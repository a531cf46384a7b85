"""Sliding windows: so many in so many seconds, at any moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.protocol.errors import RateLimited, Refused
from coterie.server.storage.windows import KEYS, Windows

LIMIT = (3, 10)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def spent(windows: Windows, key: object = "bela", limit: tuple[int, int] = LIMIT) -> bool:
    try:
        windows.spend(key, limit)
    except Refused:
        return False
    return True


@given(st.lists(st.floats(min_value=0, max_value=20), max_size=60))
def test_in_no_window_are_there_more_than_allowed(waits: list[float]) -> None:
    clock = Clock()
    windows = Windows(clock)
    allowed: list[float] = []
    for wait in waits:
        clock.now += wait
        if spent(windows):
            allowed.append(clock.now)
        within = [moment for moment in allowed if moment > clock.now - LIMIT[1]]
        assert len(within) <= LIMIT[0]


def test_a_refusal_says_when_there_is_room_again() -> None:
    clock = Clock()
    windows = Windows(clock)
    for _ in range(3):
        windows.spend("bela", LIMIT)
        clock.now += 2
    with pytest.raises(Refused) as refused:
        windows.spend("bela", LIMIT)
    assert refused.value.refusal == RateLimited(retry_after=4)
    clock.now += 4
    windows.spend("bela", LIMIT)


def test_keys_do_not_share() -> None:
    windows = Windows(Clock())
    assert [spent(windows, "bela", (1, 10)), spent(windows, "chen", (1, 10))] == [True, True]
    assert not spent(windows, "bela", (1, 10))


def test_what_did_not_count_is_given_back() -> None:
    windows = Windows(Clock())
    for _ in range(5):
        windows.spend("bela", (1, 10))
        windows.refund("bela")
    windows.refund("nobody")


def test_memory_has_an_end_and_forgets_the_longest_unused() -> None:
    windows = Windows(Clock())
    windows.spend("bela", (1, 10))
    for number in range(KEYS - 1):
        windows.spend(number, (1, 10))
    assert not spent(windows, "bela", (1, 10)), "still known, and used just now"
    windows.spend("one more", (1, 10))
    assert not spent(windows, "bela", (1, 10))
    assert spent(windows, 0, (1, 10)), "the oldest was forgotten"
