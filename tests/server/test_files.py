"""Uploads and downloads through HTTP: who may, what is kept, what is left when it fails."""

import asyncio
import io
import os
import re
import secrets
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession
from psycopg import AsyncConnection

from coterie.protocol import limits
from coterie.server.operations.access import Actor
from coterie.server.operations.leftovers import ORPHAN_SECONDS, sweep
from coterie.server.storage.blobs import WRITE_BYTES, Blobs, name_of
from coterie.server.storage.database import Database
from coterie.server.storage.outbox import BlobsDropped
from tests.server.content_server import serving, token_of
from tests.server.population import Population

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parents[2]


class House(NamedTuple):
    """A server, its folder, and a group of two with a stranger outside."""

    url: str
    folder: Path
    database: Database
    blobs: Blobs
    client: ClientSession
    population: Population
    alice: Actor
    bela: Actor
    mallory: Actor
    group: UUID

    async def put(self, actor: Actor, file_id: UUID, data: Any) -> tuple[int, Any]:
        """What is not bytes at hand begins when the server asks for it: by then it has looked."""
        at_hand = isinstance(data, bytes)
        async with self.client.put(
            self._address(file_id),
            data=io.BytesIO(data) if at_hand else data,
            headers=token_of(actor),
            expect100=not at_hand,
        ) as response:
            return response.status, (await response.json()).get("code")

    async def get(self, actor: Actor, file_id: UUID, **headers: str) -> tuple[int, bytes]:
        async with self.client.get(
            self._address(file_id), headers={**token_of(actor), **headers}
        ) as response:
            return response.status, await response.read()

    def _address(self, file_id: UUID) -> str:
        return f"{self.url}/api/v1/files/{file_id}/content"

    async def reserve(self, size: int, *, uploader: Actor | None = None) -> UUID:
        file_id = await self.population.file(self.group, uploader or self.alice, uploaded=False)
        await self.population.run("UPDATE files SET size_bytes = %s WHERE id = %s", size, file_id)
        return file_id

    async def uploaded(self, data: bytes, *, uploader: Actor | None = None) -> UUID:
        file_id = await self.reserve(len(data), uploader=uploader)
        assert await self.put(uploader or self.alice, file_id, data) == (200, None)
        return file_id

    async def attach(self, file_id: UUID, seq: int) -> int:
        """Hang the file on a message with this number."""
        rows = await self.population.run(
            "INSERT INTO messages (sender_id, group_id, conversation_id, seq) VALUES"
            " (%s, %s, %s, %s) RETURNING id",
            self.alice.user_id,
            self.group,
            self.group,
            seq,
        )
        await self.population.run(
            "UPDATE files SET message_id = %s WHERE id = %s", rows[0][0], file_id
        )
        return rows[0][0]

    def kept(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    database, blobs = Database(database_url), Blobs(tmp_path / "blobs")
    await database.open()
    blobs.prepare()
    async with (
        serving(database, blobs) as url,
        ClientSession() as client,
        await AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        population = Population(connection)
        alice, bela, mallory = await population.people(3)
        group = await population.group(alice, bela)
        yield House(
            url,
            tmp_path / "blobs",
            database,
            blobs,
            client,
            population,
            alice,
            bela,
            mallory,
            group,
        )
    await blobs.close()
    await database.close()


# --- the bytes


@pytest.mark.parametrize("size", [1, WRITE_BYTES - 1, WRITE_BYTES, 3 * WRITE_BYTES + 17])
async def test_what_goes_up_comes_down(size: int, house: House) -> None:
    data = secrets.token_bytes(size)

    file_id = await house.uploaded(data)

    assert await house.get(house.alice, file_id) == (200, data)
    assert house.kept() == {name_of(file_id)}
    blob = house.folder / name_of(file_id)
    assert (house.folder.stat().st_mode & 0o777, blob.stat().st_mode & 0o777) == (0o700, 0o600)


async def test_a_download_is_bytes_to_every_browser_and_kept_by_no_cache(house: House) -> None:
    file_id = await house.uploaded(b"<html>" * 100)

    async with house.client.get(
        f"{house.url}/api/v1/files/{file_id}/content", headers=token_of(house.alice)
    ) as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Length"] == "600"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_download_can_go_on_where_it_stopped(house: House) -> None:
    file_id = await house.uploaded(b"0123456789")

    assert await house.get(house.alice, file_id, Range="bytes=4-") == (206, b"456789")


async def test_a_file_is_uploaded_once(house: House) -> None:
    file_id = await house.uploaded(b"first")

    assert await house.put(house.alice, file_id, b"other") == (409, "taken")
    assert await house.get(house.alice, file_id) == (200, b"first")


# --- the length


@pytest.mark.parametrize("given", [0, 99, 101])
async def test_another_length_than_announced_is_refused(given: int, house: House) -> None:
    file_id = await house.reserve(100)

    assert await house.put(house.alice, file_id, bytes(given)) == (400, "malformed")
    assert house.kept() == set()


@pytest.mark.parametrize("given", [99, 101, 3 * WRITE_BYTES])
async def test_a_length_that_was_not_given_is_counted(given: int, house: House) -> None:
    file_id = await house.reserve(100)

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(given)

    assert await house.put(house.alice, file_id, chunks()) == (400, "malformed")
    assert house.kept() == set()
    assert await house.put(house.alice, file_id, bytes(100)) == (200, None)


# --- who may


async def test_only_who_reserved_a_file_uploads_it(house: House) -> None:
    file_id = await house.reserve(4)

    for actor in (house.bela, house.mallory):
        assert await house.put(actor, file_id, b"evil") == (404, "not_found")
    assert await house.put(house.alice, uuid4(), b"evil") == (404, "not_found")
    async with house.client.put(
        f"{house.url}/api/v1/files/{file_id}/content", data=b"evil"
    ) as response:
        assert response.status == 401
    assert house.kept() == set()
    assert await house.put(house.alice, file_id, b"good") == (200, None)


async def test_who_may_not_upload_is_told_before_sending_a_byte(house: House) -> None:
    file_id = await house.reserve(4)

    assert await _first_line(house, house.mallory, file_id) == "HTTP/1.1 404 Not Found"
    assert await _first_line(house, house.alice, file_id) == "HTTP/1.1 100 Continue"


async def _first_line(house: House, actor: Actor, file_id: UUID) -> str:
    """What the server says to somebody who asks before he sends the body."""
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = (
        f"PUT /api/v1/files/{file_id}/content HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        f"Expect: 100-continue\r\nAuthorization: {token_of(actor)['Authorization']}\r\n\r\n"
    )
    writer.write(request.encode())
    line = await reader.readline()
    writer.close()
    return line.decode().strip()


async def test_who_is_removed_while_uploading_leaves_nothing(house: House) -> None:
    file_id = await house.reserve(2 * WRITE_BYTES, uploader=house.bela)

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(WRITE_BYTES)
        await house.population.run(
            "DELETE FROM group_members WHERE user_id = %s", house.bela.user_id
        )
        yield bytes(WRITE_BYTES)

    assert await house.put(house.bela, file_id, chunks()) == (404, "not_found")
    assert house.kept() == set()


async def test_an_upload_counts_for_the_reservation_it_began_with(house: House) -> None:
    """A smaller one under the same id would let large files through any quota."""
    file_id = await house.reserve(2 * WRITE_BYTES)

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(WRITE_BYTES)
        await house.population.run(
            "UPDATE files SET size_bytes = 1, created_at = now() WHERE id = %s", file_id
        )
        yield bytes(WRITE_BYTES)

    assert await house.put(house.alice, file_id, chunks()) == (404, "not_found")
    assert house.kept() == set()
    assert await house.put(house.alice, file_id, b"1") == (200, None)


async def test_members_download_what_they_may_read(house: House) -> None:
    file_id = await house.uploaded(b"data")
    unattached = await house.get(house.bela, file_id)
    message_id = await house.attach(file_id, seq=5)

    assert unattached[0] == 404, "not sent yet: the uploader's alone"
    assert await house.get(house.bela, file_id) == (200, b"data")
    assert (await house.get(house.mallory, file_id))[0] == 404
    await house.population.run(
        "UPDATE group_members SET joined_seq = 6 WHERE user_id = %s", house.bela.user_id
    )
    assert (await house.get(house.bela, file_id))[0] == 404, "sent before they came"
    assert (await house.get(house.alice, file_id))[0] == 200
    await house.population.run("DELETE FROM group_members WHERE user_id = %s", house.alice.user_id)
    assert (await house.get(house.alice, file_id))[0] == 404, "no member any more"
    assert message_id


async def test_in_a_direct_conversation_the_other_downloads(house: House) -> None:
    direct = await house.population.direct(house.alice, house.bela)
    file_id = await house.uploaded(b"data")
    await house.attach(file_id, seq=1)
    await house.population.run(
        "UPDATE files SET conversation_id = NULL, message_id = NULL, direct_conversation_id = %s",
        direct,
    )
    rows = await house.population.run(
        "INSERT INTO messages (sender_id, recipient_id, conversation_id, seq)"
        " VALUES (%s, %s, %s, 1) RETURNING id",
        house.alice.user_id,
        house.bela.user_id,
        direct,
    )
    await house.population.run("UPDATE files SET message_id = %s", rows[0][0])

    assert await house.get(house.bela, file_id) == (200, b"data")
    assert (await house.get(house.mallory, file_id))[0] == 404


# --- interruptions


async def test_one_upload_of_a_file_at_a_time(house: House) -> None:
    file_id = await house.reserve(8)
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"1234"
        begun.set()
        await goes_on.wait()
        yield b"5678"

    first = asyncio.create_task(house.put(house.alice, file_id, slowly()))
    await begun.wait()
    assert await house.put(house.alice, file_id, b"aaaabbbb") == (409, "taken")
    goes_on.set()

    assert await first == (200, None)
    assert await house.get(house.alice, file_id) == (200, b"12345678")


async def _until_answered(
    house: House, file_id: UUID, data: bytes, wanted: tuple[int, str | None]
) -> bool:
    """Ask with a body too short to be kept until the server answers this."""
    while await house.put(house.alice, file_id, data) != wanted:
        pass
    return True


async def test_an_upload_cut_off_leaves_nothing_and_can_be_repeated(house: House) -> None:
    file_id = await house.reserve(3 * WRITE_BYTES)
    host, port = house.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"PUT /api/v1/files/{file_id}/content HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {token_of(house.alice)['Authorization']}\r\n"
        f"Content-Length: {3 * WRITE_BYTES}\r\n\r\n".encode()
    )
    writer.write(bytes(2 * WRITE_BYTES))
    await writer.drain()
    writer.transport.abort()

    assert await _until_answered(house, file_id, bytes(3 * WRITE_BYTES), (200, None))
    assert house.kept() == {name_of(file_id)}


def test_uploads_that_a_crash_cut_off_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / (uuid4().hex + ".part")).write_bytes(b"half")
    whole = tmp_path / uuid4().hex
    whole.write_bytes(b"whole")

    Blobs(tmp_path).prepare()

    assert list(tmp_path.iterdir()) == [whole]


# --- removal


async def test_dropped_bytes_go_after_their_transaction(house: House) -> None:
    one, other = [await house.uploaded(b"data") for _ in range(2)]

    house.blobs.announce([BlobsDropped((name_of(one),))])
    await house.blobs.close()

    assert house.kept() == {name_of(other)}


async def test_a_file_that_is_swept_arrives_no_further(house: House) -> None:
    """Its room is given back, so that none of it may stay or grow."""
    file_id = await house.reserve(2 * WRITE_BYTES)
    begun = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(WRITE_BYTES)
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(house.put(house.alice, file_id, chunks()))
    await begun.wait()
    await house.population.run(
        "UPDATE files SET created_at = now() - make_interval(secs => %s)",
        limits.UNATTACHED_SECONDS + 1,
    )
    await sweep(house.database, house.blobs)

    assert await upload == (404, "not_found")
    assert house.kept() == set()


async def test_the_sweeper_takes_what_was_never_sent_and_what_no_row_names(house: House) -> None:
    sent, young, orphan, _ = [await house.uploaded(b"data") for _ in range(4)]
    await house.attach(sent, seq=1)
    await house.population.run(
        "UPDATE files SET created_at = now() - make_interval(secs => %s) WHERE id <> %s",
        limits.UNATTACHED_SECONDS + 1,
        young,
    )
    await house.population.run("DELETE FROM files WHERE id = %s", orphan)
    _age(house.folder / name_of(orphan), ORPHAN_SECONDS + 1)

    await sweep(house.database, house.blobs)

    assert house.kept() == {name_of(sent), name_of(young)}
    rows = await house.population.run("SELECT id FROM files")
    assert {row[0] for row in rows} == {sent, young}


def _age(path: Path, seconds: float) -> None:
    before = path.stat().st_mtime - seconds
    os.utime(path, (before, before))


# --- what only a process of its own shows


@asynccontextmanager
async def _server_process(
    house: House, database_url: str, *prefix: str
) -> AsyncGenerator[tuple[House, Process]]:
    """The same house, served by another process."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "tests.server.content_server",
        database_url,
        str(house.folder),
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield house._replace(url=url), process
    finally:
        process.stdin.close()
        await process.wait()


async def test_memory_does_not_grow_with_the_file(house: House, database_url: str) -> None:
    size = 128 * limits.MIB
    small, large = await house.reserve(WRITE_BYTES), await house.reserve(size)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // WRITE_BYTES):
            yield bytes(WRITE_BYTES)

    async with _server_process(house, database_url) as (elsewhere, process):
        assert (await elsewhere.put(house.alice, small, bytes(WRITE_BYTES)))[0] == 200
        before = _peak_memory(process.pid)
        assert (await elsewhere.put(house.alice, large, chunks()))[0] == 200
        status, data = await elsewhere.get(house.alice, large)
        after = _peak_memory(process.pid)

    assert (status, len(data)) == (200, size)
    assert after - before < 16 * limits.MIB


def _peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * limits.KIB


async def test_an_acknowledged_upload_is_on_disk(
    house: House, database_url: str, tmp_path: Path
) -> None:
    """By the system calls: the bytes are synced, then named, then the folder; then comes 200."""
    strace = shutil.which("strace")
    assert strace, "this test needs strace (apt-get install strace)"
    size = 2 * WRITE_BYTES + 100
    file_id = await house.reserve(size)
    trace = ("-ff", "-ttt", "-T", "-y", "-s", "32", "-o", str(tmp_path / "trace"))
    calls = ("-e", "trace=write,fdatasync,rename,fsync,sendto,writev")

    async with _server_process(house, database_url, strace, *trace, *calls) as (elsewhere, _):
        assert (await elsewhere.put(house.alice, file_id, bytes(size)))[0] == 200

    done = _calls(tmp_path)
    partial = re.escape(f"{house.folder / name_of(file_id)}.part")
    whole, folder = re.escape(str(house.folder / name_of(file_id))), re.escape(str(house.folder))
    order = [
        next(at for at, call in enumerate(done) if re.match(pattern, call))
        for pattern in (
            rf"write\(\d+<{partial}>, .* = \d{{7}}",
            rf"fdatasync\(\d+<{partial}>\) += 0",
            rf'rename\("{partial}", "{whole}"\) += 0',
            rf"fsync\(\d+<{folder}>\) += 0",
            r'(sendto|write|writev)\(\d+<(socket|TCP).*"HTTP/1.1 200 OK',
        )
    ]
    assert order == sorted(order)
    writes = [at for at, call in enumerate(done) if re.match(rf"write\(\d+<{partial}>", call)]
    assert max(writes) < order[1], "nothing is written after the sync"


def _calls(folder: Path) -> list[str]:
    """The system calls of all threads, in the order in which they returned."""
    found: list[tuple[float, str]] = []
    for file in folder.glob("trace.*"):
        for line in file.read_text(errors="replace").splitlines():
            if match := re.match(r"([\d.]+) (.*) <([\d.]+)>$", line):
                found.append((float(match[1]) + float(match[3]), match[2]))
    return [call for _, call in sorted(found)]
