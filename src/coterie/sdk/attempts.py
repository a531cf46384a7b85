"""Trying again after a lost race, with growing pauses, but not for ever."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Final

from coterie.sdk.errors import Contended

ATTEMPTS: Final = 200
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0


async def attempts() -> AsyncIterator[int]:
    """0, 1, 2 … with a jittered pause before each but the first. Raises Contended at the end."""
    pause = _FIRST_PAUSE
    for number in range(ATTEMPTS):
        yield number
        await asyncio.sleep(pause * random.random())  # noqa: S311 - spreads load, hides nothing
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    raise Contended
