"""What a lying server says does not steer the terminal that it is shown on."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from coterie.protocol.commands import ListMembers, Member, Members
from coterie.protocol.errors import Malformed
from coterie.protocol.roles import Role
from tests.cli.commands import Done
from tests.cli.people import Person, Served
from tests.sdk.proxy import Proxy, running_proxy

STEERING = "\x1b\x9b\x07\x7f\u202e\u2066\r"


@pytest.fixture
async def liar(server: Served) -> AsyncGenerator[tuple[Proxy, str]]:
    async with running_proxy(server.url) as running:
        yield running


@pytest.fixture
async def kim(liar: tuple[Proxy, str], tmp_path: Path) -> Person:
    """Whom the server lies to, in a group of her own."""
    kim = Person(f"kim{uuid4().hex[:8]}", tmp_path / "kim")
    await asyncio.to_thread(kim.sign_up, liar[1])
    await asyncio.to_thread(kim.does, "group", "create", "club")
    return kim


def check_harmless(done: Done, said: str) -> None:
    assert said in done.err
    assert not set(STEERING) & set(done.err)
    assert len(done.err.splitlines()) == 1


async def test_a_warning(liar: tuple[Proxy, str], kim: Person) -> None:
    mallory = Member(
        user_id=UUID(int=1),
        username=f"mal{STEERING}lory",
        identity_key=bytes(32),
        role=Role.MEMBER,
        joined_at=datetime.now(UTC),
    )

    def forge(true: Members, _: dict[str, str]) -> Members:
        return replace(true, members=[*true.members, mallory])

    liar[0].forge(ListMembers, forge)
    done = await asyncio.to_thread(kim.run, "members", "club")
    assert done.code == 0
    check_harmless(done, "note: The server lists mal")


async def test_an_error(liar: tuple[Proxy, str], kim: Person) -> None:
    liar[0].forge(ListMembers, lambda true, _: Malformed(f"no {STEERING} sense"))
    done = await asyncio.to_thread(kim.run, "members", "club")
    assert done.code == 1
    check_harmless(done, "coterie: The request is not well-formed: no ")
