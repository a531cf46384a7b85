"""The order in which one conversation is announced: that of its sequence numbers.

Transactions end in the order of their numbers, for they hold the conversation's lock, but the
tasks that wait for them may wake in another. What comes too early is held back until the gap
closes.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from coterie.server.storage.outbox import Announcement

GAP_SECONDS: Final = 0.2
HELD_ENTRIES: Final = 1_000


class Order:
    """Where the announced log of one conversation ends, and what is held back behind a gap.

    `give_up` is called when a gap has not closed in time.
    """

    __slots__ = ("_give_up", "_held", "_next", "_timer")

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._next: int | None = None
        self._held: dict[int, list[Announcement]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def admits(self, seq: int) -> bool:
        """Whether entry `seq` may be announced now. The first one ever seen always may."""
        if self._next is not None and seq != self._next:
            return False
        self._next = seq + 1
        return True

    def is_past(self, seq: int) -> bool:
        """Whether its gap was given up: clients have fetched it, or are about to."""
        return self._next is not None and seq < self._next

    @property
    def holds(self) -> bool:
        """Whether something waits behind a gap."""
        return bool(self._held)

    def hold(self, seq: int, entry: Announcement) -> list[Announcement]:
        """Keep it, and what is put behind it in the list returned, until its turn comes."""
        held = self._held[seq] = [entry]
        if len(self._held) >= HELD_ENTRIES:
            self.skip_gap()
        self._watch()
        return held

    def released(self) -> Iterator[Announcement]:
        """What may be announced now, in order."""
        while self._next in self._held:
            announcements = self._held.pop(self._next)
            self._next += 1
            yield from announcements
        self._watch()

    def skip_gap(self) -> None:
        """Go on at the first entry held back: clients see the gap and fetch it."""
        if self._held:
            self._next = min(self._held)

    def stop(self) -> None:
        """Forget what is held: nobody listens any more."""
        self._held.clear()
        self._watch()

    def _watch(self) -> None:
        if self._held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GAP_SECONDS, self._time_out)
        elif not self._held and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        self._give_up()
