"""The server and the people that the tests of the SDK have, and one of them at a terminal."""

from collections.abc import AsyncGenerator

import pytest

from coterie.sdk import Client
from tests.sdk.conftest import anna, bela, chen, entries_per_second, people, server
from tests.sdk.people import People, gather_in
from tests.tui.window import Window, window

__all__ = ["anna", "bela", "chen", "entries_per_second", "people", "server"]


@pytest.fixture
async def club(anna: Client, bela: Client) -> str:
    return await gather_in("club", anna, bela)


@pytest.fixture
async def belas(people: People, club: str) -> AsyncGenerator[Window]:
    """Bela's window, with the club open."""
    async with window(people.homes / "bela") as opened:
        await opened.see("# club   2 members", "● connected")
        yield opened
