"""Whose turn it is: of each account, and of each address without one, so much at once.

The rest waits, oldest first, and only for its own: nobody else's commands stand behind it.
"""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager

from coterie.protocol import limits


class Line:
    """Those of one who have a turn or wait for one."""

    __slots__ = ("length", "turns")

    def __init__(self, at_once: int) -> None:
        self.length = 0
        self.turns = asyncio.Semaphore(at_once)


class Turns:
    """`at_once`: how many of one are carried out beside each other."""

    def __init__(self, at_once: int = limits.COMMANDS_AT_ONCE) -> None:
        self._at_once = at_once
        self._lines: dict[Hashable, Line] = {}

    @asynccontextmanager
    async def of(self, whose: Hashable | None) -> AsyncGenerator[None]:
        """One turn, from when there is one. None is nobody, and never waits."""
        if whose is None:
            yield
            return
        await self.take(whose)
        try:
            yield
        finally:
            self.end(whose)

    async def take(self, whose: Hashable) -> None:
        """Wait for a turn. `end` ends it."""
        line = self._lines.get(whose)
        if line is None:
            line = self._lines[whose] = Line(self._at_once)
        line.length += 1
        try:
            await line.turns.acquire()
        except BaseException:
            self._leave(whose, line)
            raise

    def end(self, whose: Hashable) -> None:
        line = self._lines[whose]
        line.turns.release()
        self._leave(whose, line)

    def _leave(self, whose: Hashable, line: Line) -> None:
        line.length -= 1
        if not line.length:
            del self._lines[whose]
