"""Of one only so much goes on at once, oldest first; nobody waits for somebody else."""

import asyncio

import pytest

from coterie.server.operations.turns import Turns


async def test_the_rest_waits_and_goes_on_in_the_order_it_came() -> None:
    turns, begun, end = Turns(2), list[int](), asyncio.Event()

    async def work(number: int) -> None:
        async with turns.of("bela"):
            begun.append(number)
            await end.wait()

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(work(number))
        await asyncio.sleep(0)
        assert begun == [0, 1]
        async with turns.of("chen"):
            assert begun == [0, 1], "nobody else waits"
        end.set()
    assert begun == [0, 1, 2, 3, 4]


async def test_who_goes_away_while_waiting_leaves_the_turn_to_others() -> None:
    turns = Turns(1)
    await turns.take("bela")
    impatient = asyncio.create_task(turns.take("bela"))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    turns.end("bela")
    async with asyncio.timeout(1), turns.of("bela"):
        pass


async def test_nothing_is_kept_of_who_asks_nothing() -> None:
    turns = Turns(1)
    for number in range(3):
        async with turns.of(number):
            pass
    assert not turns._lines  # pyright: ignore[reportPrivateUsage]


async def test_nobody_never_waits() -> None:
    turns = Turns(1)
    async with asyncio.timeout(1), turns.of(None), turns.of(None):
        pass
