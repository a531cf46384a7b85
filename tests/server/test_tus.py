"""tus 1.0: an upload goes on where it was cut off, on either side, and nothing else ever counts."""

import asyncio
import os
import re
import secrets
from asyncio import StreamWriter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from coterie.protocol import limits
from coterie.server.operations.access import Actor
from coterie.server.operations.leftovers import ORPHAN_SECONDS, sweep
from coterie.server.storage.blobs import WRITE_BYTES, name_of
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

SIZE = 3 * WRITE_BYTES + 17
PIECE = 2 * WRITE_BYTES + 5


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(database_url, tmp_path / "blobs") as house:
        yield house


def spoken(actor: Actor, offset: int | None = None) -> dict[str, str]:
    """The headers of tus."""
    piece = {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    return {**token_of(actor), "Tus-Resumable": "1.0.0", **({} if offset is None else piece)}


async def head(house: House, file_id: UUID, actor: Actor | None = None) -> tuple[int, int, int]:
    """Status, offset and length; -1 for what is not told."""
    async with house.client.head(
        house.address(file_id), headers=spoken(actor or house.alice)
    ) as response:
        offset, length = (
            int(response.headers.get(name, -1)) for name in ("Upload-Offset", "Upload-Length")
        )
        return response.status, offset, length


async def patch(
    house: House, file_id: UUID, offset: int, data: Any, actor: Actor | None = None
) -> tuple[int, Any]:
    """The status, and the new offset or the refusal. A stream waits until it is asked for."""
    async with house.client.patch(
        house.address(file_id),
        data=data,
        headers=spoken(actor or house.alice, offset),
        expect100=not isinstance(data, bytes),
    ) as response:
        if response.status == 204:
            return 204, int(response.headers["Upload-Offset"])
        return response.status, await response.json()


async def in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), limits.MIB):
        yield data[start : start + limits.MIB]


async def send(house: House, file_id: UUID, data: bytes, offset: int = 0) -> tuple[int, Any]:
    return await patch(house, file_id, offset, in_chunks(data))


async def hang(house: House, file_id: UUID, offset: int, data: bytes) -> StreamWriter:
    """Begin to send a piece, and do not end it."""
    host, port = house.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    length = {"Content-Length": str(SIZE - offset)}
    writer.write(request_of(file_id, spoken(house.alice, offset) | length))
    writer.write(data)
    await writer.drain()
    return writer


def request_of(file_id: UUID, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"PATCH /api/v1/files/{file_id}/content HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


def part_of(house: House, file_id: UUID) -> Path:
    return house.folder / f"{name_of(file_id)}.part"


def on_disk(house: House, file_id: UUID) -> int:
    part = part_of(house, file_id)
    return part.stat().st_size if part.exists() else 0


# --- in pieces


async def test_what_goes_up_in_pieces_comes_down_whole(house: House) -> None:
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)

    assert await head(house, file_id) == (200, 0, SIZE)
    assert await send(house, file_id, data[:PIECE]) == (204, PIECE)
    assert await head(house, file_id) == (200, PIECE, SIZE)
    assert (await house.get(house.alice, file_id))[0] == 404, "not before it is whole"
    assert await send(house, file_id, data[PIECE:], PIECE) == (204, SIZE)

    assert await head(house, file_id) == (200, SIZE, SIZE)
    assert await house.get(house.alice, file_id) == (200, data)
    assert house.kept() == {name_of(file_id)}


async def test_its_answers_bear_the_version_and_stay_in_no_cache(house: House) -> None:
    file_id = await house.reserve(4)
    for method in ("HEAD", "PATCH"):
        async with house.client.request(
            method, house.address(file_id), headers=spoken(house.alice, 1)
        ) as response:
            assert response.headers["Tus-Resumable"] == "1.0.0"
            assert response.headers["Cache-Control"] == "no-store"


async def test_the_last_piece_may_be_sent_again(house: House) -> None:
    """Its answer may be lost: nothing is left to send, and that is no error."""
    file_id = await house.reserve(4)
    assert await patch(house, file_id, 0, b"1234") == (204, 4)
    assert await patch(house, file_id, 4, b"") == (204, 4)
    status, refusal = await patch(house, file_id, 0, b"abcd")
    assert (status, refusal) == (409, {"code": "offset_stale", "current": 4})
    assert await house.get(house.alice, file_id) == (200, b"1234")


# --- who may, and what is judged before a byte is read


async def test_only_who_reserved_a_file_learns_of_its_upload_or_goes_on_with_it(
    house: House,
) -> None:
    file_id = await house.reserve(4)
    finished = await house.uploaded(b"data")

    for actor in (house.bela, house.mallory):
        for one in (file_id, finished, uuid4()):
            assert await head(house, one, actor) == (404, -1, -1)
            assert (await patch(house, one, 0, b"evil", actor))[0] == 404
    async with house.client.head(
        house.address(file_id), headers={"Tus-Resumable": "1.0.0"}
    ) as response:
        assert response.status == 401
    assert await patch(house, file_id, 0, b"good") == (204, 4)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "100 Continue"),
        ({"Upload-Offset": "0"}, "409 Conflict"),
        ({"Upload-Offset": "5"}, "409 Conflict"),
        ({"Upload-Offset": "-4"}, "400 Bad Request"),
        ({"Content-Length": "7"}, "400 Bad Request"),
        ({"Content-Type": "application/octet-stream"}, "415 Unsupported Media Type"),
        ({"Tus-Resumable": "0.2.2"}, "412 Precondition Failed"),
        ({"Authorization": "Bearer nobody"}, "500 Internal Server Error"),
    ],
)
async def test_all_is_judged_before_the_first_byte(
    changes: dict[str, str], wanted: str, house: House
) -> None:
    """Who asks before he sends (`Expect`) is told to go on, or is refused."""
    file_id = await house.reserve(10)
    assert await patch(house, file_id, 0, b"1234") == (204, 4)
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    asking = {"Content-Length": "6", "Expect": "100-continue"}
    writer.write(request_of(file_id, {**spoken(house.alice, 4), **asking, **changes}))

    assert (await reader.readline()).decode().strip() == f"HTTP/1.1 {wanted}"
    writer.close()


async def test_one_upload_of_a_file_at_a_time(house: House) -> None:
    file_id = await house.reserve(8)
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"1234"
        begun.set()
        await goes_on.wait()
        yield b"5678"

    first = asyncio.create_task(patch(house, file_id, 0, slowly()))
    await begun.wait()
    status, refusal = await patch(house, file_id, 0, b"aaaabbbb")
    assert (status, refusal) == (423, {"code": "taken", "what": "upload"})
    assert await house.put(house.alice, file_id, b"aaaabbbb") == (409, "taken")
    goes_on.set()

    assert await first == (204, 8)
    assert await house.get(house.alice, file_id) == (200, b"12345678")


async def test_nothing_larger_than_the_reservation_is_ever_on_the_disk(house: House) -> None:
    file_id = await house.reserve(PIECE)

    assert (await send(house, file_id, bytes(PIECE + 2 * WRITE_BYTES)))[0] == 400

    assert on_disk(house, file_id) <= PIECE
    assert await head(house, file_id) == (200, 0, PIECE)
    assert await send(house, file_id, bytes(PIECE)) == (204, PIECE)


async def test_who_is_removed_while_uploading_leaves_nothing(house: House) -> None:
    file_id = await house.reserve(SIZE, uploader=house.bela)

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(WRITE_BYTES)
        await house.population.run(
            "DELETE FROM group_members WHERE user_id = %s", house.bela.user_id
        )
        yield bytes(SIZE - WRITE_BYTES)

    assert (await patch(house, file_id, 0, chunks(), house.bela))[0] == 404
    assert house.kept() == set()


# --- cut off


async def test_what_arrived_before_a_cut_is_kept(house: House) -> None:
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)
    writer = await hang(house, file_id, 0, data[:PIECE])
    while on_disk(house, file_id) < WRITE_BYTES:  # what more there is may wait to be written
        await head(house, file_id)
    writer.transport.abort()

    while (kept := (await head(house, file_id))[1]) == 0:
        pass
    assert WRITE_BYTES <= kept <= PIECE
    assert await send(house, file_id, data[kept:], kept) == (204, SIZE)
    assert await house.get(house.alice, file_id) == (200, data)


async def test_it_goes_on_after_the_server_was_killed_in_the_middle(
    house: House, database_url: str
) -> None:
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)
    async with server_process(house, database_url) as (doomed, process):
        assert await send(doomed, file_id, data[:100]) == (204, 100)
        writer = await hang(doomed, file_id, 100, bytes(PIECE))
        while on_disk(house, file_id) <= 100:
            await head(doomed, file_id)
        process.kill()
        await process.wait()
        writer.close()
    assert on_disk(house, file_id) > 100, "it died with more on the disk than it had told"

    async with server_process(house, database_url) as (again, _):
        assert await head(again, file_id) == (200, 100, SIZE)
        assert await send(again, file_id, data[100:], 100) == (204, SIZE)
        assert await again.get(house.alice, file_id) == (200, data)


async def test_what_lies_behind_the_counted_bytes_is_never_believed(house: House) -> None:
    """After a loss of power there may be anything."""
    file_id = await house.reserve(10)
    assert await patch(house, file_id, 0, b"1234") == (204, 4)
    with part_of(house, file_id).open("ab") as part:
        part.write(b"XXXXXXXXXXXXXXXX")

    assert await head(house, file_id) == (200, 4, 10)
    assert await patch(house, file_id, 4, b"567890") == (204, 10)
    assert await house.get(house.alice, file_id) == (200, b"1234567890")


async def test_bytes_that_are_not_here_any_more_are_asked_for_again(house: House) -> None:
    file_id = await house.reserve(8)
    assert await patch(house, file_id, 0, b"1234") == (204, 4)
    os.truncate(part_of(house, file_id), 3)

    assert await head(house, file_id) == (200, 0, 8)
    assert await patch(house, file_id, 0, b"ab") == (204, 2)
    assert await head(house, file_id) == (200, 2, 8)


@pytest.mark.parametrize("named", [True, False])
async def test_a_server_that_died_at_the_very_end_ends_it_later(named: bool, house: House) -> None:
    """All was counted; the name may be there already, and the row says nothing of it."""
    file_id = await house.uploaded(b"1234")
    await house.population.run("UPDATE files SET uploaded_at = NULL WHERE id = %s", file_id)
    if not named:
        (house.folder / name_of(file_id)).rename(part_of(house, file_id))

    assert await head(house, file_id) == (200, 4, 4)
    assert await house.get(house.alice, file_id) == (200, b"1234")
    assert house.kept() == {name_of(file_id)}


async def test_a_whole_file_begins_from_its_beginning(house: House) -> None:
    """What a `PUT` writes over counts no more, even if it is cut off."""
    file_id = await house.reserve(8)
    assert await patch(house, file_id, 0, b"1234") == (204, 4)

    async def short() -> AsyncIterator[bytes]:
        counted = await house.population.run("SELECT received_bytes FROM files")
        assert counted == [(0,)], "before a byte is written over"
        yield b"abcde"

    assert await house.put(house.alice, file_id, short()) == (400, "malformed")
    assert await head(house, file_id) == (200, 0, 8)
    assert house.kept() == set()
    assert await house.put(house.alice, file_id, b"abcdefgh") == (200, None)


# --- what is left


async def test_the_sweeper_takes_parts_whose_file_has_gone_and_no_others(house: House) -> None:
    waiting, given_up, orphan, fresh = [await house.reserve(8) for _ in range(4)]
    for file_id in (waiting, given_up, orphan, fresh):
        assert await patch(house, file_id, 0, b"1234") == (204, 4)
    await house.population.run(
        "UPDATE files SET created_at = now() - make_interval(secs => %s) WHERE id = %s",
        limits.UNATTACHED_SECONDS + 1,
        given_up,
    )
    for file_id in (orphan, fresh):
        await house.population.run("DELETE FROM files WHERE id = %s", file_id)
    for file_id in (waiting, orphan):
        before = part_of(house, file_id).stat().st_mtime - ORPHAN_SECONDS - 1
        os.utime(part_of(house, file_id), (before, before))

    house.blobs.prepare()  # a start removes nothing
    assert len(house.kept()) == 4
    await sweep(house.database, house.blobs)

    assert house.kept() == {part_of(house, file_id).name for file_id in (waiting, fresh)}
    assert await patch(house, waiting, 4, b"5678") == (204, 8)


async def test_a_piece_that_is_acknowledged_is_on_disk(
    house: House, database_url: str, tmp_path: Path
) -> None:
    """By the system calls: the bytes and their folder are synced; then the row, then 204."""
    file_id = await house.reserve(SIZE)
    calls = "write,fdatasync,fsync,sendto,writev"

    async with server_process(house, database_url, *strace(tmp_path, calls)) as (elsewhere, _):
        assert await send(elsewhere, file_id, bytes(PIECE)) == (204, PIECE)

    done = system_calls(tmp_path)
    part, folder = re.escape(str(part_of(house, file_id))), re.escape(str(house.folder))
    assert_order(
        done,
        rf"fdatasync\(\d+<{part}>\) += 0",
        rf"fsync\(\d+<{folder}>\) += 0",
        r"(sendto|write|writev)\(\d+<(socket|UNIX|TCP).*UPDATE files SET received_bytes",
        r'(sendto|write|writev)\(\d+<(socket|UNIX|TCP).*"?COMMIT',
        r'(sendto|write|writev)\(\d+<(socket|TCP).*"HTTP/1.1 204 No Content',
    )
    synced = last(done, rf"fdatasync\(\d+<{part}>")
    assert last(done, rf"writev\(\d+<{part}>") < synced, "nothing is written after the sync"
