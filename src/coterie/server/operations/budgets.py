"""What an account, a conversation or an address may do without end: so much at once, and so much in
the long run.

Remembered in memory, by this process, and asked before anything is done for a command.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager

from coterie.protocol import limits
from coterie.protocol.api import API
from coterie.protocol.commands import (
    Command,
    DeleteMessage,
    EditMessage,
    MarkRead,
    PinMessage,
    ReactToMessage,
    ReserveFile,
    SendMessage,
    ShowPresence,
    ShowTyping,
)
from coterie.protocol.errors import CommitMismatch, CommitRefused, RateLimited, Refused
from coterie.server.operations.access import Actor

REMEMBERED = 10_000
"""More than this many are not remembered; the ones that spent longest ago go first."""
SECOND = 1_000_000_000
"""In nanoseconds: sums of whole numbers are exact."""

WRITTEN = (SendMessage, EditMessage, DeleteMessage, ReactToMessage, PinMessage, MarkRead)
JUDGED = [
    row.command
    for row in API
    if not {"commit", "anchor", "group_info"}.isdisjoint(row.command.__struct_fields__)
]
"""What brings something that takes long to verify."""
IN_VAIN = CommitRefused, CommitMismatch, RateLimited
"""How those are refused after they were verified. Who is merely late has done nothing wrong."""


class Budget:
    """A bucket of tokens to each of many: `limit` is how many, and in how many seconds it fills.

    All that is remembered of each is when its bucket will be full again.
    """

    def __init__(
        self, limit: tuple[int, int], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        count, seconds = limit
        self._whole = seconds * SECOND
        self._each = self._whole // count
        self._clock = clock
        self._full_at: OrderedDict[Hashable, int] = OrderedDict()

    def spend(self, whose: Hashable) -> None:
        """Take one token. Raises RateLimited."""
        if wait := self.take(whose):
            raise Refused(RateLimited(retry_after=wait))

    def require(self, whose: Hashable) -> None:
        """That there is one to take. Raises RateLimited."""
        if wait := self._wait(whose, self._clock()):
            raise Refused(RateLimited(retry_after=wait))

    def take(self, whose: Hashable) -> int:
        """0 for one token taken; where there is none, the seconds until there is."""
        now = self._clock()
        if wait := self._wait(whose, now):
            return wait
        self._full_at[whose] = max(now, self._full_at.get(whose, now)) + self._each
        self._full_at.move_to_end(whose)
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
        return 0

    def refund(self, whose: Hashable) -> None:
        """Give one token back: it was not spent on what counts."""
        if whose in self._full_at:
            self._full_at[whose] -= self._each

    def _wait(self, whose: Hashable, now: int) -> int:
        """The seconds until there is a token; 0 where there is one."""
        missing = max(now, self._full_at.get(whose, now)) + self._each - now - self._whole
        return -(-missing // SECOND) if missing > 0 else 0


def of_conversations(entries_per_second: int) -> Budget:
    """The messages that each may take."""
    seconds = limits.CONVERSATION_BURST_SECONDS
    return Budget((entries_per_second * limits.CONVERSATION_ACCOUNTS * seconds, seconds))


class Budgets:
    """Which commands cost from which budget. `entries_per_second` is the operator's choice."""

    def __init__(self, entries_per_second: int = limits.ENTRIES_PER_SECOND) -> None:
        burst = entries_per_second * limits.ENTRIES_BURST_SECONDS
        entries = Budget((burst, limits.ENTRIES_BURST_SECONDS))
        self._refused = Budget(limits.REFUSED_COMMITS_PER_ACCOUNT)
        self._of: dict[type[Command], Budget] = {
            **dict.fromkeys(WRITTEN, entries),
            **dict.fromkeys(JUDGED, self._refused),
            ReserveFile: Budget(limits.FILES_PER_ACCOUNT),
            ShowTyping: Budget(limits.TYPING_PER_ACCOUNT),
            ShowPresence: Budget(limits.PRESENCE_PER_ACCOUNT),
        }

    def spend(self, actor: Actor, command: Command) -> None:
        """Before anything is done. Raises RateLimited."""
        budget = self._of.get(type(command))
        if budget is not None:
            budget.spend(actor.user_id.int)  # every message asks: a UUID hashes slowly

    @contextmanager
    def judging(self, actor: Actor, command: Command) -> Generator[None]:
        """While the command is carried out: what it brings costs nothing unless it is refused."""
        in_vain = False
        try:
            yield
        except Refused as no:
            in_vain = isinstance(no.refusal, IN_VAIN)
            raise
        finally:
            if not in_vain and self._of.get(type(command)) is self._refused:
                self._refused.refund(actor.user_id.int)
