"""A server as `coterie serve` starts it, and four people with accounts on it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from itertools import count

import pytest

from coterie.sdk.client import Client
from tests.cli.people import COTERIE, Club, Person, Served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("server")
    operator = Person("operator", folder / "home")
    process = subprocess.Popen(
        [*COTERIE, "serve", "--port", "0", "--data", str(folder / "data"), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=operator.environment(),
    )
    assert process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"url", "registration_code"}
        yield Served(ready["url"], folder / "data")
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(20) == 0, "SIGTERM ends the server, and PostgreSQL with it"


@pytest.fixture(scope="session")
def cast(server: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Person]:
    """Four people; dora belongs to no club."""
    names = ("ana", "bela", "chen", "dora")
    people = {name: Person(name, tmp_path_factory.mktemp(name) / "profile") for name in names}
    for person in people.values():
        person.sign_up(server.url)
    return people


@pytest.fixture
def ana(cast: dict[str, Person]) -> Person:
    return cast["ana"]


@pytest.fixture
def bela(cast: dict[str, Person]) -> Person:
    return cast["bela"]


@pytest.fixture
def chen(cast: dict[str, Person]) -> Person:
    return cast["chen"]


@pytest.fixture
def dora(cast: dict[str, Person]) -> Person:
    return cast["dora"]


_numbers = count(1)


@pytest.fixture
def club(ana: Person, bela: Person, chen: Person) -> Club:
    group_id = asyncio.run(_found_club(f"club {next(_numbers)}", ana, bela, chen))
    return Club(group_id, ana, bela, chen)


async def _found_club(name: str, owner: Person, *members: Person) -> str:
    """Through the SDK, on the same profiles: this is not what the tests are about."""
    async with Client.open(owner.home) as client:
        group = await client.create_group(name)
        link = (await client.create_invite(str(group.group_id))).link
    for member in members:
        async with Client.open(member.home) as client:
            await client.join(str(link))
    return str(group.group_id)
