"""A server that keeps files in a bucket, as its operator and its people see it."""

import hashlib
import io
import os
import secrets
import tarfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pytest

from coterie.protocol.api import PREFIX
from coterie.protocol.commands import ReserveFile
from tests.cli.people import Person
from tests.server import client as direct
from tests.support.bucket import BUCKET, KEY_ID, S3, SECRET
from tests.support.server import Server

MIB = 1 << 20
BODY = os.urandom(20 * MIB)
"""More than is read, or sent, at once."""

_numbers = count(1)


class Served(NamedTuple):
    """A server, the prefix its files are below, and somebody who has sent two."""

    server: Server
    prefix: str
    ana: Person
    s3: S3

    @property
    def data(self) -> Path:
        return self.server.data

    @property
    def address(self) -> str:
        return f"s3://{BUCKET}/{self.prefix}"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    s3 = S3()
    yield s3
    s3.stop()


@pytest.fixture(scope="module")
def served(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, prefix = tmp_path_factory.mktemp("bucket"), "served/here"
    address = f"s3://{BUCKET}/{prefix}"
    with Server(folder / "data", "--blobs", address, variables=s3.variables) as server:
        ana = Person("ana", folder / "ana")
        ana.sign_up(server.url)
        ana.does("group", "create", "Club")
        for name, content in (("small", b"little"), ("large", BODY)):
            (folder / name).write_bytes(content)
            ana.does("send", "Club", name, "--file", folder / name)
        yield Served(server, prefix, ana, s3)


@pytest.fixture
def operator(tmp_path: Path) -> Person:
    return Person("operator", tmp_path / "operator")


@pytest.fixture
def address() -> str:
    return f"s3://{BUCKET}/unused/{next(_numbers)}"


def files_in(held: dict[str, int]) -> list[int]:
    """The sizes of those that are files of people."""
    return sorted(size for name, size in held.items() if name != "coterie.owner")


def downloaded(person: Person, folder: Path) -> list[bytes]:
    """The files of the club, in the order of their messages."""
    folder.mkdir()
    messages = person.does("read", "Club")
    ids = [file["file_id"] for message in messages for file in message["files"]]
    for name in ids:
        person.does("download", "Club", name, "--out", folder / name)
    return [(folder / name).read_bytes() for name in ids]


# --- people


def test_people_send_receive_and_delete_files(served: Served, tmp_path: Path) -> None:
    bela = Person("bela", tmp_path / "bela")
    bela.sign_up(served.server.url)
    link = served.ana.does("invite", "create", "Club")["link"]
    bela.does("join", link)
    before = served.s3.held(served.prefix)
    path = tmp_path / "minutes"
    path.write_bytes(BODY[: 5 * MIB])

    sent = served.ana.does("send", "Club", "the minutes", "--file", path)
    assert downloaded(bela, tmp_path / "got")[-1] == BODY[: 5 * MIB]
    new = served.s3.held(served.prefix).keys() - before.keys()
    assert len(new) == 1
    assert list((served.data / "files").iterdir()) == [], "the bucket has them, and the disk none"
    served.ana.does("delete", "Club", sent["message_id"])

    while served.s3.held(served.prefix) != before:  # it goes once the deletion is committed
        pass


def test_the_keys_are_told_nobody(served: Served) -> None:
    """Promise: secrets stand in no log, no argument and no file of ours."""
    with served.s3.down():
        assert (
            served.ana.run("download", "Club", "1", "--out", served.data.parent / "none").code != 0
        )
    told = served.server.logs + Path(f"/proc/{served.server.pid}/cmdline").read_text()
    assert SECRET not in told
    assert KEY_ID not in told
    for path in served.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert SECRET.encode() not in content, path
            assert KEY_ID.encode() not in content, path
    assert "command.failed" not in served.server.logs


# --- a server that dies


async def test_an_upload_goes_on_after_the_server_was_killed(s3: S3, tmp_path: Path) -> None:
    """Twice: amid its arrival, and when all has arrived but the bucket could not take it."""
    size, data = 5 * MIB, os.urandom(5 * MIB)
    address = f"s3://{BUCKET}/killed"
    server = Server(tmp_path / "data", "--blobs", address, variables=s3.variables)
    with server:
        async with aiohttp.ClientSession(server.url) as http:
            bela = await direct.Person(http, "bela").sign_up()
            reservation = ReserveFile(
                conversation_id=await direct.group_of(bela),
                file_id=direct.uuid4(),
                filename="bmFtZQ",
                size_bytes=size,
                encryption_header=secrets.token_bytes(24),
            )
            await bela.ask(reservation)
            path = f"{PREFIX}/files/{reservation.file_id}/content"
            spoken = {"Authorization": f"Bearer {bela.token}", "Tus-Resumable": "1.0.0"}

            async def patch(offset: int, piece: bytes) -> int:
                headers = {
                    **spoken,
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                }
                async with http.patch(path, data=io.BytesIO(piece), headers=headers) as answer:
                    return answer.status

            async def offset() -> int:
                async with http.head(path, headers=spoken) as answer:
                    return int(answer.headers["Upload-Offset"])

            assert await patch(0, data[: 2 * MIB]) == 204
            server.kill()
            await server.restart()
            assert await offset() == 2 * MIB
            with s3.down():
                assert await patch(2 * MIB, data[2 * MIB :]) == 503
                server.kill()
            await server.restart()
            assert await offset() == size, "what was acknowledged to the last byte is in the bucket"
            async with http.get(path, headers=spoken) as answer:
                assert await answer.read() == data


# --- a start


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY in the environment"),
        ({"AWS_ENDPOINT_URL": "http://192.0.2.1:9000"}, "has to be https"),
        ({"AWS_ENDPOINT_URL_S3": "http://192.0.2.1:9000"}, "has to be https"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_what_the_environment_lacks_is_told_at_the_start(
    variables: dict[str, Any], told: str, operator: Person, s3: S3, address: str, tmp_path: Path
) -> None:
    given = s3.variables | variables
    done = operator.run(
        "serve", "--data", tmp_path / "data", "--port", 0, "--blobs", address, **given
    )
    assert done.code == 1
    assert told in done.err
    assert SECRET not in done.err
    assert "Traceback" not in done.err


def test_a_bucket_that_lets_nobody_in_is_told_at_the_start(
    operator: Person, s3: S3, address: str, tmp_path: Path
) -> None:
    serve = ("serve", "--data", tmp_path / "data", "--port", 0, "--blobs")
    with s3.locked():
        done = operator.run(*serve, address, **s3.variables)
    assert (done.code, done.out) == (1, "")
    assert "does not let this server in" in done.err
    assert SECRET not in done.err
    assert KEY_ID not in done.err
    missing = operator.run(*serve, "s3://nowhere/at/all", **s3.variables)
    assert missing.code == 1
    assert "There is no bucket nowhere" in missing.err


@pytest.mark.parametrize(
    "address",
    ["s3://AKIAME:sesame@files/a", "https://files", "s3://files/../up", "s3://", "s3://b"],
)
def test_what_is_no_bucket_is_refused_and_not_repeated(
    address: str, operator: Person, s3: S3, tmp_path: Path
) -> None:
    """It may hold a key."""
    done = operator.run(
        "serve", "--data", tmp_path / "data", "--port", 0, "--blobs", address, **s3.variables
    )
    assert done.code == 1
    assert "s3://bucket/prefix" in done.err
    assert "sesame" not in done.err


def test_nobody_comes_into_the_bucket_of_another_server(
    operator: Person, served: Served, tmp_path: Path
) -> None:
    """Promise: a second server takes nobody's files for leftovers."""
    before = served.s3.held(served.prefix)
    for address in (served.address, served.address + "/"):
        done = operator.run(
            *("serve", "--data", tmp_path / "data", "--port", 0, "--blobs", address),
            **served.s3.variables,
        )
        assert done.code == 1
        assert "the files of another server" in done.err
    assert served.s3.held(served.prefix) == before


def test_files_stay_where_they_began(
    operator: Person, served: Served, s3: S3, address: str, tmp_path: Path
) -> None:
    """A server that looks elsewhere would find none of them."""
    data, prefix = tmp_path / "data", address.removeprefix(f"s3://{BUCKET}/")
    with Server(data, "--blobs", address, variables=s3.variables):
        pass
    again = Server(data, variables=s3.variables)
    with again:
        ana = Person("ana", tmp_path / "ana")
        ana.sign_up(again.url)
        ana.does("group", "create", "Club")
        (tmp_path / "note").write_bytes(b"note")
        ana.does("send", "Club", "a note", "--file", tmp_path / "note")
        assert len(files_in(s3.held(prefix))) == 1, "it remembers its bucket"
    done = operator.run(
        "serve", "--data", data, "--port", 0, "--blobs", "s3://files/elsewhere", **s3.variables
    )
    assert done.code == 1
    assert f"The files of this server are in {address}" in done.err
    inside = tmp_path / "inside"
    (inside / "files").mkdir(parents=True)
    (inside / "files" / ("0" * 32)).touch()
    done = operator.run(
        "serve", "--data", inside, "--port", 0, "--blobs", address + "/new", **s3.variables
    )
    assert done.code == 1
    assert f"The files of this server are in {inside / 'files'}" in done.err


def test_people_talk_while_the_bucket_is_away(s3: S3, address: str, tmp_path: Path) -> None:
    with Server(tmp_path / "data", "--blobs", address, variables=s3.variables) as server:
        ana = Person("ana", tmp_path / "ana")
        ana.sign_up(server.url)
        ana.does("group", "create", "Club")
        server.stop()
        with s3.down():
            server.start()
            ana.does("send", "Club", "no files today")
        (tmp_path / "note").write_bytes(b"note")
        ana.does("send", "Club", "a note", "--file", tmp_path / "note")
        assert downloaded(ana, tmp_path / "got") == [b"note"]


# --- an operator


def test_a_backup_holds_what_is_in_the_bucket_and_comes_back_as_files_or_as_a_bucket(
    operator: Person, served: Served, address: str, tmp_path: Path
) -> None:
    variables, backup = served.s3.variables, tmp_path / "b.tar"
    made = operator.does("backup", "create", backup, "--data", served.data, **variables)
    assert (made["files"], made["missing"]) == (2, [])
    assert operator.does("backup", "verify", backup) == made
    with tarfile.open(backup) as tar:
        assert SECRET.encode() not in backup.read_bytes()
        assert "bucket.json" not in tar.getnames(), "a copy is not the owner of the bucket"
    before = served.s3.held(served.prefix)
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    places = {"inside": (), "in a bucket": ("--blobs", address)}
    for name, options in places.items():
        data = tmp_path / name
        operator.does("backup", "restore", backup, "--data", data, *options, **variables)
        server = Server(data, *options, variables=variables)
        server.take_address(served.server)
        served.server.stop()
        try:
            with server:
                contents = downloaded(served.ana, tmp_path / f"{name} got")
        finally:
            served.server.start()
        assert [hashlib.sha256(one).digest() for one in contents] == [
            hashlib.sha256(one).digest() for one in (b"little", BODY)
        ]
    assert len(list((tmp_path / "inside" / "files").iterdir())) == 2
    assert files_in(served.s3.held(prefix)) == files_in(before)
    assert list((tmp_path / "in a bucket" / "files").iterdir()) == []
    assert served.s3.held(served.prefix) == before, "what was backed up is as it was"


def test_a_backup_is_whole_or_is_none(operator: Person, served: Served, tmp_path: Path) -> None:
    """Promise: no backup lacks files in silence."""
    create = ("backup", "create", tmp_path / "b.tar", "--data", served.data)
    assert operator.refused(*create) == "bucket_refused", "without keys"
    with served.s3.down():
        assert operator.refused(*create, **served.s3.variables) == "bucket_unavailable"
    assert not list(tmp_path.glob("b.tar*"))


def test_a_restore_that_fails_leaves_nothing_in_the_bucket(
    operator: Person, served: Served, address: str, tmp_path: Path
) -> None:
    variables, backup = served.s3.variables, tmp_path / "b.tar"
    operator.does("backup", "create", backup, "--data", served.data, **variables)
    restore = ("backup", "restore", backup, "--data", tmp_path / "new")
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    wrong = "postgresql://dev@127.0.0.1:1/none"
    for options in (("--blobs", address, "--database", wrong), ("--blobs", served.address)):
        done = operator.run(*restore, *options, **variables)
        assert done.code == 1
    assert served.s3.held(prefix) == {}
    assert len(files_in(served.s3.held(served.prefix))) == 2
    assert operator.does(*restore, "--blobs", address, **variables)["files"] == 2


def examine(operator: Person, served: Served, **variables: Any) -> tuple[int, dict[str, str]]:
    done = operator.run("doctor", "--data", served.data, "--json", **variables)
    findings = msgspec.json.decode(done.out)
    return done.code, {one["about"]: one["verdict"] for one in findings}


def test_a_doctor_looks_into_the_bucket(operator: Person, served: Served) -> None:
    variables = served.s3.variables
    before = served.s3.held(served.prefix)
    code, verdicts = examine(operator, served, **variables)
    assert code == 0
    assert (verdicts["bucket"], verdicts["files"], verdicts["orphans"]) == ("ok", "ok", "ok")
    assert served.s3.held(served.prefix) == before, "of its trial nothing is left"
    for fault in (served.s3.down, served.s3.locked):
        with fault():
            code, verdicts = examine(operator, served, **variables)
        assert (code, verdicts["bucket"]) == (1, "fail")
        assert verdicts["schema"] == "ok", "the rest is looked at all the same"
    assert examine(operator, served)[1]["bucket"] == "fail", "without keys"


def test_a_doctor_finds_what_a_bucket_lost_and_what_belongs_to_nothing(
    operator: Person, served: Served
) -> None:
    store = served.s3.store(served.prefix)
    name = next(name for name in served.s3.held(served.prefix) if name != "coterie.owner")
    content = bytes(store.get(name).bytes())
    store.delete(name)
    store.put("0" * 32, b"nobody's")
    served.s3.age(served.prefix, "0" * 32, 7_200)
    try:
        code, verdicts = examine(operator, served, **served.s3.variables)
    finally:
        store.put(name, content)
        store.delete("0" * 32)
    assert code == 1
    assert (verdicts["files"], verdicts["orphans"]) == ("fail", "warn")


def test_the_room_in_the_bucket_is_told(operator: Person, served: Served) -> None:
    storage = ("admin", "storage", "--data", served.data)
    report = operator.does(*storage, **served.s3.variables)
    assert report["bucket_bytes"] == report["file_bytes"] > len(BODY)
    assert report["disk_bytes"] == 0
    assert "in the bucket" in operator.run(*storage, **served.s3.variables).out
