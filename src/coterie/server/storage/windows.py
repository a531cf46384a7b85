"""Sliding windows: how often something was done lately. Remembered in memory, by this process."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from coterie.protocol.errors import RateLimited, Refused

KEYS = 100_000
"""More than this many are not remembered; the ones used longest ago go first."""


class Windows:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._uses: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def spend(self, key: Hashable, limit: tuple[int, int]) -> None:
        """Count one use against (how many, in how many seconds). Raises RateLimited."""
        count, seconds = limit
        now = self._clock()
        uses = self._uses.setdefault(key, deque())
        self._uses.move_to_end(key)
        while uses and uses[0] <= now - seconds:
            uses.popleft()
        if len(uses) >= count:
            raise Refused(RateLimited(retry_after=math.ceil(uses[0] + seconds - now)))
        uses.append(now)
        if len(self._uses) > KEYS:
            self._uses.popitem(last=False)

    def refund(self, key: Hashable) -> None:
        """Take the newest use back: it was not one that counts."""
        uses = self._uses.get(key)
        if uses:
            uses.pop()
