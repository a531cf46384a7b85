"""A server on a port of its own, and people who sign up with it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from coterie.protocol import limits
from coterie.sdk import Client
from coterie.server.app import running
from coterie.server.config import Config
from tests.sdk.people import People
from tests.sdk.proxy import Liar, running_proxy


@pytest.fixture
def entries_per_second() -> int:
    """What each may write; tests that write very much choose otherwise."""
    return limits.ENTRIES_PER_SECOND


@pytest.fixture
async def server(database_url: str, tmp_path: Path, entries_per_second: int) -> AsyncGenerator[str]:
    """Its address."""
    config = Config(
        data=tmp_path / "server",
        port=0,
        database=database_url,
        entries_per_second=entries_per_second,
    )
    async with running(config) as url:
        yield url


@pytest.fixture
async def people(server: str, tmp_path: Path) -> AsyncGenerator[People]:
    people = People(server, tmp_path / "homes")
    yield people
    await people.go_home()


@pytest.fixture
async def anna(people: People) -> Client:
    return await people.meet("anna")


@pytest.fixture
async def bela(people: People) -> Client:
    return await people.meet("bela")


@pytest.fixture
async def chen(people: People) -> Client:
    return await people.meet("chen")


@pytest.fixture
async def liar(server: str) -> AsyncGenerator[Liar]:
    """The same server behind somebody who can change what it says."""
    async with running_proxy(server) as running:
        yield running


@pytest.fixture
async def dora(people: People, liar: Liar) -> Client:
    """Whom the server lies to; the others speak to it directly."""
    return await people.meet("dora", server=liar[1])
