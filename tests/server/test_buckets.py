"""Files in a bucket: nothing acknowledged is lost, nothing removed stays, and no key is told."""

import secrets
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from coterie.protocol.errors import Unavailable
from coterie.server.operations.leftovers import ORPHAN_SECONDS, sweep
from coterie.server.storage.blobs import name_of
from coterie.server.storage.buckets import Bucket, parse_address
from tests.server.content_server import token_of
from tests.server.house import House, a_house
from tests.server.test_tus import head, patch, send
from tests.support.bucket import BUCKET, S3

pytestmark = pytest.mark.timeout(120)

MIB = 1 << 20
SIZE = 5 * MIB + 17

_numbers = count(1)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    s3 = S3()
    yield s3
    s3.stop()


@pytest.fixture
def prefix() -> str:
    """Each test's own: a server does not come into another one's."""
    return f"of/{next(_numbers)}"


@pytest.fixture
def address(prefix: str) -> str:
    return f"s3://{BUCKET}/{prefix}"


@pytest.fixture
async def house(
    database_url: str, tmp_path: Path, s3: S3, address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Its files arrive in a folder, and are kept in the bucket."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(parse_address(address))
    async with a_house(database_url, tmp_path / "blobs", bucket) as house:
        yield house


# --- the bytes


@pytest.mark.parametrize("size", [1, SIZE, 20 * MIB])
async def test_what_goes_up_comes_down_and_stays_in_the_bucket_alone(
    size: int, house: House, s3: S3, prefix: str
) -> None:
    data = secrets.token_bytes(size)

    file_id = await house.uploaded(data)

    assert await house.get(house.alice, file_id) == (200, data)
    assert s3.held(prefix) == {name_of(file_id): size}
    assert house.kept() == set(), "no second copy fills the disk"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=4-", 4, SIZE),
        ("bytes=2-4", 2, 5),
        (f"bytes={2 * MIB - 1}-{4 * MIB}", 2 * MIB - 1, 4 * MIB + 1),
        ("bytes=-5", SIZE - 5, SIZE),
        (f"bytes=5-{9 * MIB}", 5, SIZE),
    ],
)
async def test_a_download_goes_on_where_it_stopped(
    asked: str, start: int, stop: int, house: House
) -> None:
    data = secrets.token_bytes(SIZE)
    file_id = await house.uploaded(data)
    async with house.client.get(
        house.address(file_id), headers={**token_of(house.alice), "Range": asked}
    ) as response:
        assert response.status == 206
        assert await response.read() == data[start:stop]
        assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Type"] == "application/octet-stream"


async def test_a_span_that_is_not_there_is_refused(house: House) -> None:
    file_id = await house.uploaded(b"0123456789")
    for asked in ("bytes=10-", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4"):
        assert (await house.get(house.alice, file_id, Range=asked))[0] == 416
    unmet = {"Range": "bytes=4-", "If-Range": '"another"'}
    assert await house.get(house.alice, file_id, **unmet) == (200, b"0123456789")


async def test_a_stranger_learns_nothing_of_what_is_in_the_bucket(house: House) -> None:
    file_id = await house.uploaded(b"data")
    assert (await house.get(house.mallory, file_id))[0] == 404


# --- interruptions


async def test_an_upload_goes_on_after_a_cut(house: House, s3: S3, prefix: str) -> None:
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)

    assert await send(house, file_id, data[:MIB]) == (204, MIB)
    assert s3.held(prefix) == {}, "nothing that is not whole lies in a bucket"
    assert await send(house, file_id, data[MIB:], MIB) == (204, SIZE)

    assert await house.get(house.alice, file_id) == (200, data)


async def test_a_bucket_that_is_away_takes_the_upload_later_and_nothing_is_sent_twice(
    house: House, s3: S3
) -> None:
    """It is never said that a file is here before the bucket has said so."""
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)
    with s3.down():
        status, refusal = await send(house, file_id, data)
        assert (status, refusal) == (503, {"code": "unavailable"})
        assert (await head(house, file_id))[0] == 503
        assert (await house.get(house.alice, file_id))[0] == 404
    assert await head(house, file_id) == (200, SIZE, SIZE), "what had arrived was put there now"
    assert await patch(house, file_id, SIZE, b"") == (204, SIZE)
    assert await house.get(house.alice, file_id) == (200, data)


async def test_a_bucket_that_is_away_gives_files_back_later(house: House, s3: S3) -> None:
    file_id = await house.uploaded(b"data")
    with s3.down():
        status, _ = await house.get(house.alice, file_id)
        assert status == Unavailable().status
    with s3.locked():
        assert (await house.get(house.alice, file_id))[0] == Unavailable().status
    assert await house.get(house.alice, file_id) == (200, b"data")


async def test_a_download_that_the_bucket_cuts_ends_early_and_holds_nothing_else(
    house: House, s3: S3
) -> None:
    """What comes is the file's own beginning: whoever reads goes on after it."""
    data = secrets.token_bytes(64 * MIB)
    file_id = await house.uploaded(data)
    async with house.client.get(house.address(file_id), headers=token_of(house.alice)) as response:
        read = bytearray(await response.content.readexactly(MIB))
        with s3.down(), pytest.raises(aiohttp.ClientError):
            await _read_on(response, read)
    assert 0 < len(read) < len(data)
    assert data.startswith(read)
    rest = await house.get(house.alice, file_id, Range=f"bytes={len(read)}-")
    assert rest == (206, data[len(read) :])


async def _read_on(response: aiohttp.ClientResponse, read: bytearray) -> None:
    while chunk := await response.content.readany():
        read += chunk


async def test_what_was_put_there_before_a_crash_is_not_sent_again(
    house: House, s3: S3, prefix: str
) -> None:
    """The bucket had it, and the database could not be told."""
    data = secrets.token_bytes(SIZE)
    file_id = await house.reserve(SIZE)
    await house.population.run("UPDATE files SET received_bytes = %s", SIZE)
    s3.store(prefix).put(name_of(file_id), data)

    assert await head(house, file_id) == (200, SIZE, SIZE)
    assert await house.get(house.alice, file_id) == (200, data)


async def test_what_is_in_the_bucket_with_another_size_does_not_count(
    house: House, s3: S3, prefix: str
) -> None:
    file_id = await house.reserve(4)
    await house.population.run("UPDATE files SET received_bytes = 4")
    s3.store(prefix).put(name_of(file_id), b"123")

    assert await head(house, file_id) == (200, 0, 4)
    assert await send(house, file_id, b"good") == (204, 4)
    assert await house.get(house.alice, file_id) == (200, b"good")


# --- removal


async def test_what_no_row_names_goes_and_what_is_not_ours_stays(
    house: House, s3: S3, prefix: str
) -> None:
    kept, orphan = await house.uploaded(b"kept"), await house.uploaded(b"orphan")
    s3.store(prefix).put("somebody-else", b"theirs")
    await house.population.run("DELETE FROM files WHERE id = %s", orphan)

    await sweep(house.database, house.blobs)
    assert name_of(orphan) in s3.held(prefix), "it may be one whose row is being written"
    for name in s3.held(prefix):
        s3.age(prefix, name, ORPHAN_SECONDS + 60)
    await sweep(house.database, house.blobs)

    assert s3.held(prefix).keys() == {name_of(kept), "somebody-else"}
