"""Races on purpose: everybody starts at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from coterie.protocol.errors import Refusal, Refused

Result = TypeVar("Result")
LIMIT = 60.0


async def together(acts: Iterable[Callable[[], Awaitable[Result]]]) -> list[Result | Refusal]:
    """What each act returned, or the refusal it met, in order. Other errors are raised."""
    acts = list(acts)
    barrier = asyncio.Barrier(len(acts))

    async def run(act: Callable[[], Awaitable[Result]]) -> Result | Refusal:
        await barrier.wait()
        try:
            return await act()
        except Refused as no:
            return no.refusal

    async with asyncio.timeout(LIMIT):
        return await asyncio.gather(*map(run, acts))


def refusals(results: Iterable[object]) -> list[Refusal]:
    return [result for result in results if isinstance(result, Refusal)]


def successes(results: Iterable[Result | Refusal]) -> list[Result]:
    return [result for result in results if not isinstance(result, Refusal)]
