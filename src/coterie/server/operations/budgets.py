"""What an account may ask for without end: so much at once, and so much in the long run.

Remembered in memory, by this process, and asked before anything is done for a command.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.commands import (
    Command,
    DeleteMessage,
    EditMessage,
    ReactToMessage,
    ReserveFile,
    SendMessage,
)
from coterie.protocol.errors import RateLimited, Refused
from coterie.server.operations.access import Actor

ACCOUNTS = 10_000
"""More than this many are not remembered; the ones that spent longest ago go first."""
SECOND = 1_000_000_000
"""In nanoseconds: sums of whole numbers are exact."""

ENTRIES = (SendMessage, EditMessage, DeleteMessage, ReactToMessage)


class Budget:
    """A bucket of tokens to each account: `limit` is how many, and in how many seconds it fills.

    All that is remembered of an account is when its bucket will be full again.
    """

    def __init__(
        self, limit: tuple[int, int], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        count, seconds = limit
        self._whole = seconds * SECOND
        self._each = self._whole // count
        self._clock = clock
        self._full_at: OrderedDict[int, int] = OrderedDict()

    def spend(self, user_id: UUID) -> None:
        """Take one token. Raises RateLimited."""
        now, account = self._clock(), user_id.int  # every message asks: a UUID hashes slowly
        full_at = max(now, self._full_at.get(account, now)) + self._each
        missing = full_at - now - self._whole
        if missing > 0:
            raise Refused(RateLimited(retry_after=-(-missing // SECOND)))
        self._full_at[account] = full_at
        self._full_at.move_to_end(account)
        if len(self._full_at) > ACCOUNTS:
            self._full_at.popitem(last=False)


class Budgets:
    """Which commands cost from which budget. `entries_per_second` is the operator's choice."""

    def __init__(self, entries_per_second: int = limits.ENTRIES_PER_SECOND) -> None:
        burst = entries_per_second * limits.ENTRIES_BURST_SECONDS
        entries = Budget((burst, limits.ENTRIES_BURST_SECONDS))
        self._of: dict[type[Command], Budget] = {
            **dict.fromkeys(ENTRIES, entries),
            ReserveFile: Budget(limits.FILES_PER_ACCOUNT),
        }

    def spend(self, actor: Actor, command: Command) -> None:
        """Whatever becomes of the command. Raises RateLimited."""
        budget = self._of.get(type(command))
        if budget is not None:
            budget.spend(actor.user_id)
