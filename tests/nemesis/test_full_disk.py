"""Promise: where there is no room, nothing is taken, and it is said that it is for now."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import pytest

from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.commands import FileReserved, ReserveFile
from coterie.protocol.errors import Refused, Unavailable
from tests.nemesis.faults import NO_LIMIT, descendants, lift_limits, limit_files, recovered
from tests.server.client import Person, group_of
from tests.support.server import Server

ROOM = 256 * limits.KIB
SIZE = 4 * ROOM


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    with Server(tmp_path / "data") as server:
        yield server


def reservation(group_id: UUID) -> ReserveFile:
    return ReserveFile(
        conversation_id=group_id,
        file_id=uuid4(),
        filename="bmFtZQ",
        size_bytes=SIZE,
        encryption_header=bytes(24),
    )


async def put(http: aiohttp.ClientSession, person: Person, file: FileReserved) -> int:
    path = f"{PREFIX}/files/{file.file_id}/content"
    headers = {"Authorization": f"Bearer {person.token}"}
    async with http.put(path, data=bytes(SIZE), headers=headers) as answer:
        return answer.status


async def test_a_file_that_the_disk_does_not_take_is_taken_later(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        bela = await Person(http, "bela").sign_up()
        group_id = await group_of(bela)
        file: FileReserved = await bela.ask(reservation(group_id))
        limit_files([server.pid], ROOM)
        assert await put(http, bela, file) == Unavailable().status
        limit_files([server.pid], NO_LIMIT)
        assert await put(http, bela, file) == 200
    assert "command.failed" not in server.logs


async def test_a_database_without_room_is_unavailable_until_there_is_some(
    server: Server,
) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        bela = await Person(http, "bela").sign_up()
        group_id = await group_of(bela)
        limit_files(descendants(server.pid), ROOM)
        with pytest.raises(Refused) as no:
            await bela.ask(reservation(group_id))
        assert no.value.refusal == Unavailable()
        lift_limits(server.pid)
        await recovered(server)
        await bela.ask(reservation(group_id))
    assert "command.failed" not in server.logs
