"""A server on a port of its own, and people who sign up with it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from coterie.sdk import Client
from coterie.server.app import running
from coterie.server.config import Config
from tests.sdk.people import People


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncGenerator[str]:
    """Its address."""
    config = Config(data=tmp_path / "server", port=0, database=database_url)
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
