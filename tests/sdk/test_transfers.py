"""Files over a wire that breaks, and to a server that dies: they go on, and arrive as they were."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncGenerator, Callable
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from coterie.protocol.commands import Account, GetAccount
from coterie.protocol.limits import MIB, UPLOAD_PART_BYTES
from coterie.sdk import Client, transfers
from coterie.sdk.accounts import open_profile
from coterie.sdk.connection import Connection
from coterie.sdk.errors import BadAnswer
from coterie.sdk.files import FileChanged, SealedFile, sealed_size
from tests.sdk.people import People, gather_in, last
from tests.sdk.wire import Breaks, Wire, running_wire
from tests.support.server import Server

SIZE = 2 * UPLOAD_PART_BYTES + 5 * MIB
SEALED = sealed_size(SIZE)


class Sender:
    """Somebody behind a wire, with a group of her own and a file to send."""

    def __init__(self, client: Client, group: str, path: Path) -> None:
        self.client = client
        self.group = group
        self.path = path
        self.steps: list[int] = []
        self.notice: Callable[[int], object] = lambda _: None

    async def send(self) -> None:
        await self.client.send(self.group, "", files=[self.path], progress=self._moved)

    async def fetch(self, name: str = "copy") -> Path:
        message = await last(self.client, self.group)
        out = self.path.with_name(name)
        return await self.client.download(
            self.group, message.files[0].file_id, out, progress=self._moved
        )

    def _moved(self, name: str, done: int, total: int) -> None:
        assert (name, done <= total) == (self.path.name, True)
        self.steps.append(done)
        self.notice(done)


async def a_sender(people: People, url: str, folder: Path) -> Sender:
    client = await people.meet("dora", server=url)
    path = folder / "film.mp4"
    path.write_bytes(content(SIZE))
    return Sender(client, await gather_in("Films", client), path)


def content(size: int) -> bytes:
    """Bytes that are not the same anywhere."""
    return b"".join(
        blake2b(number.to_bytes(8, "big")).digest() * 16 for number in range(size // 1024 + 1)
    )[:size]


@pytest.fixture
async def wire(server: str) -> AsyncGenerator[tuple[Wire, str]]:
    async with running_wire(server) as running:
        yield running


@pytest.fixture
async def dora(people: People, wire: tuple[Wire, str], tmp_path: Path) -> Sender:
    return await a_sender(people, wire[1], tmp_path)


def every(step: int) -> Breaks:
    """Breaks each time so many bytes have passed."""
    passed = 0

    def breaks(block: bytes) -> bool:
        nonlocal passed
        passed += len(block)
        if passed < step:
            return False
        passed = 0
        return True

    return breaks


def once(said: bytes) -> Breaks:
    """Breaks before the first block that says this."""
    done = False

    def breaks(block: bytes) -> bool:
        nonlocal done
        broken = said in block and not done
        done = done or broken
        return broken

    return breaks


def falls(steps: list[int]) -> list[int]:
    """By how much a progress went backwards, each time it did."""
    return [before - after for before, after in pairwise(steps) if after < before]


# --- the wire


async def test_an_upload_goes_on_where_the_wire_broke(dora: Sender, wire: tuple[Wire, str]) -> None:
    wire[0].breaks_up = every(6 * MIB)
    before = wire[0].passed_up

    await dora.send()

    wire[0].breaks_up = lambda _: False
    assert wire[0].cuts >= 5
    sent_again = wire[0].passed_up - before - SEALED
    assert sent_again < wire[0].cuts * 2 * MIB, "what had arrived is not sent again"
    assert dora.steps[-1] == SEALED
    assert max(falls(dora.steps), default=0) < UPLOAD_PART_BYTES
    assert (await dora.fetch()).read_bytes() == dora.path.read_bytes()


async def test_a_download_goes_on_where_the_wire_broke(
    dora: Sender, wire: tuple[Wire, str]
) -> None:
    await dora.send()
    dora.steps.clear()
    wire[0].breaks_down = every(10 * MIB)
    before = wire[0].passed_down

    copy = await dora.fetch()

    assert wire[0].cuts >= 3
    assert copy.read_bytes() == dora.path.read_bytes()
    assert wire[0].passed_down - before < SEALED + MIB, "no byte comes twice"
    assert falls(dora.steps) == []


async def test_a_lost_answer_to_the_last_piece_is_no_reason_to_send_it_again(
    dora: Sender, wire: tuple[Wire, str]
) -> None:
    wire[0].breaks_down = once(f"Upload-Offset: {SEALED}".encode())
    before = wire[0].passed_up

    await dora.send()

    assert wire[0].cuts == 1
    assert wire[0].passed_up - before < SEALED + MIB
    assert (await dora.fetch()).read_bytes() == dora.path.read_bytes()


async def test_an_upload_waits_for_a_server_that_has_not_noticed_the_cut(
    dora: Sender, wire: tuple[Wire, str]
) -> None:
    """It still listens to the dead connection, and refuses another until that one ends."""
    refused: list[bytes] = []

    def hang_up_when_locked(block: bytes) -> bool:
        if b"423 Locked" in block:
            refused.append(block)
            wire[0].hang_up()
        return False

    wire[0].is_noticed = False
    wire[0].breaks_up, wire[0].breaks_down = _once_at(20 * MIB), hang_up_when_locked

    await dora.send()

    assert (wire[0].cuts, len(refused) > 0) == (1, True)
    assert (await dora.fetch()).read_bytes() == dora.path.read_bytes()


def _once_at(position: int) -> Breaks:
    passed = 0

    def breaks(block: bytes) -> bool:
        nonlocal passed
        before, passed = passed, passed + len(block)
        return before < position <= passed

    return breaks


# --- the file


async def test_a_key_never_meets_two_contents(dora: Sender, wire: tuple[Wire, str]) -> None:
    """What is sent again after a cut is what was encrypted before, not what the file says now."""
    was = dora.path.read_bytes()
    wire[0].breaks_up = _once_at(10 * MIB)

    def overwrite(done: int) -> None:
        if done > 8 * MIB:
            with dora.path.open("r+b") as file:
                file.write(bytes(UPLOAD_PART_BYTES // 2))

    dora.notice = overwrite
    await dora.send()

    assert wire[0].cuts == 1
    dora.notice = lambda _: None
    assert (await dora.fetch()).read_bytes() == was


async def test_a_file_that_shrinks_meanwhile_is_given_up(
    dora: Sender, people: People, tmp_path: Path
) -> None:
    dora.notice = lambda done: os.truncate(dora.path, MIB) if done > 8 * MIB else None

    with pytest.raises(FileChanged):
        await dora.send()

    await dora.client.close()
    profile = open_profile(people.homes / "dora")
    account = await profile.connection.call(GetAccount(), Account)
    await profile.close()
    assert account.used_bytes == 0
    kept = list((tmp_path / "server" / "files").iterdir())
    assert kept == [], "its bytes are gone with it"


async def test_memory_does_not_grow_with_the_file(dora: Sender) -> None:
    """Of the client and the server together."""
    tracemalloc.start()
    try:
        await dora.send()
        copy = await dora.fetch()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < UPLOAD_PART_BYTES + 12 * MIB
    assert copy.stat().st_size == SIZE


# --- the server


async def test_a_file_outlives_the_server_that_takes_it(tmp_path: Path) -> None:
    """`kill -9` in the middle of an upload, and of a download."""
    with Server(tmp_path / "server") as server:
        people = People(server.url, tmp_path / "homes")
        dora = await a_sender(people, server.url, tmp_path)
        restarts: list[asyncio.Task[None]] = []

        def kill_at(position: int) -> Callable[[int], None]:
            def kill(done: int) -> None:
                if done > position and not restarts:
                    server.kill()
                    restarts.append(asyncio.create_task(server.restart()))

            return kill

        dora.notice = kill_at(UPLOAD_PART_BYTES + 8 * MIB)
        await dora.send()
        assert len(restarts) == 1
        lost = max(falls(dora.steps), default=0)
        assert 0 < lost <= UPLOAD_PART_BYTES, "what was acknowledged is there"
        await restarts.pop()
        dora.notice = kill_at(UPLOAD_PART_BYTES)
        copy = await dora.fetch()
        assert len(restarts) == 1
        await restarts.pop()
        assert copy.read_bytes() == dora.path.read_bytes()
        await people.go_home()


async def lying(answer: Callable[[web.Request], web.Response]) -> tuple[Connection, TestServer]:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return answer(request)

    app = web.Application(client_max_size=64 * MIB)
    app.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    return Connection(str(server.make_url(""))), server


@pytest.mark.parametrize("told", ["1000000000000", "-1", "many", "9" * 5000, ""])
async def test_an_offset_that_cannot_be_is_no_answer(told: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(bytes(1000))
    connection, server = await lying(
        lambda _: web.Response(status=204, headers={"Upload-Offset": told})
    )
    with pytest.raises(BadAnswer):
        await transfers.upload(connection, SealedFile(path), None)
    await connection.close()
    await server.close()


async def test_a_server_that_forgets_what_it_acknowledged_is_not_told_again(
    tmp_path: Path,
) -> None:
    """It could only be told by encrypting again."""
    path = tmp_path / "film.mp4"
    path.write_bytes(content(UPLOAD_PART_BYTES + MIB))
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        offset = int(request.headers.get("Upload-Offset", 0))
        if request.method == "HEAD":
            return web.Response(headers={"Upload-Offset": "0"})
        if offset:
            return web.Response(status=503, text='{"code":"unavailable"}')
        length = request.content_length or 0
        return web.Response(status=204, headers={"Upload-Offset": str(length)})

    connection, server = await lying(answer)
    with pytest.raises(BadAnswer):
        await transfers.upload(connection, SealedFile(path), None)
    assert asked == ["PATCH", "PATCH", "HEAD"]
    await connection.close()
    await server.close()


async def test_a_rest_that_begins_at_the_beginning_is_no_answer() -> None:
    connection, server = await lying(lambda _: web.Response(body=b"all of it"))
    with pytest.raises(BadAnswer):
        async with connection.download(uuid4(), offset=4):
            pass
    await connection.close()
    await server.close()
