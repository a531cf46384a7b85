"""Uploads and downloads through HTTP: who may, what is kept, what is left when it fails."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from coterie.protocol import limits
from coterie.server.operations.access import Actor
from coterie.server.operations.leftovers import ORPHAN_SECONDS, sweep
from coterie.server.storage.blobs import WRITE_BYTES, name_of
from coterie.server.storage.outbox import BlobsDropped
from tests.server.content_server import token_of
from tests.server.house import (
    House,
    a_house,
    assert_order,
    last,
    server_process,
    strace,
    system_calls,
)

pytestmark = pytest.mark.timeout(120)

SENT = re.compile(r"sendfile\(.* = (\d+)$")


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path / "blobs") as house:
        yield house


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
    assert await house.get(house.alice, file_id, Range="bytes=2-4") == (206, b"234")
    assert await house.get(house.alice, file_id, Range="bytes=10-") == (416, b"")
    assert (await house.get(house.mallory, file_id, Range="bytes=4-"))[0] == 404


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


async def test_memory_does_not_grow_with_the_file(house: House, database_url: str) -> None:
    size = 128 * limits.MIB
    small, large = await house.reserve(WRITE_BYTES), await house.reserve(size)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // WRITE_BYTES):
            yield bytes(WRITE_BYTES)

    async with server_process(house, database_url) as (elsewhere, process):
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
    size = 2 * WRITE_BYTES + 100
    file_id = await house.reserve(size)
    calls = "write,fdatasync,rename,fsync,sendto,writev"

    async with server_process(house, database_url, *strace(tmp_path, calls)) as (elsewhere, _):
        assert (await elsewhere.put(house.alice, file_id, bytes(size)))[0] == 200

    done = system_calls(tmp_path)
    partial = re.escape(f"{house.folder / name_of(file_id)}.part")
    whole, folder = re.escape(str(house.folder / name_of(file_id))), re.escape(str(house.folder))
    assert_order(
        done,
        rf"writev\(\d+<{partial}>, .* = \d{{7}}",
        rf"fdatasync\(\d+<{partial}>\) += 0",
        rf'rename\("{partial}", "{whole}"\) += 0',
        rf"fsync\(\d+<{folder}>\) += 0",
        r'(sendto|write|writev)\(\d+<(socket|TCP).*"HTTP/1.1 200 OK',
    )
    synced = last(done, rf"fdatasync\(\d+<{partial}>")
    assert last(done, rf"writev\(\d+<{partial}>") < synced, "nothing is written after the sync"


async def test_a_download_goes_by_the_kernel_alone(
    house: House, database_url: str, tmp_path: Path
) -> None:
    data = secrets.token_bytes(5 * limits.MIB + 3)
    file_id = await house.uploaded(data)

    async with server_process(house, database_url, *strace(tmp_path, "sendfile")) as (elsewhere, _):
        assert await elsewhere.get(house.alice, file_id) == (200, data)
        ranged = await elsewhere.get(house.alice, file_id, Range="bytes=7-1048583")
        assert ranged == (206, data[7:1048584])

    sent = [int(found[1]) for call in system_calls(tmp_path) if (found := SENT.match(call))]
    assert sum(sent) == len(data) + 1048577


async def test_a_reader_that_goes_away_leaves_nothing_open(house: House, database_url: str) -> None:
    size = 64 * limits.MIB
    large, small = await house.uploaded(bytes(size)), await house.uploaded(b"data")

    async with server_process(house, database_url) as (elsewhere, process):
        host, port = elsewhere.url.removeprefix("http://").split(":")
        assert await elsewhere.get(house.alice, small) == (200, b"data")
        descriptors = f"/proc/{process.pid}/fd"
        before = len(os.listdir(descriptors))
        for _ in range(5):
            reader, writer = await asyncio.open_connection(host, int(port))
            path = elsewhere.address(large).removeprefix(elsewhere.url)
            token = token_of(house.alice)["Authorization"]
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode()
            )
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            await reader.readexactly(limits.MIB)
            writer.transport.abort()
        while len(os.listdir(descriptors)) > before:
            assert await elsewhere.get(house.alice, small) == (200, b"data")
