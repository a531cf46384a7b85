"""Backups as an operator makes them: while people talk, checked, and restored elsewhere."""

import asyncio
import json
import os
import shutil
import tarfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from coterie.sdk import Client
from coterie.sdk.errors import LogRewound
from tests.cli.people import Person, Served
from tests.sdk.people import People, gather_in
from tests.support.server import Server

BODY = bytes(range(256)) * 2_000


@pytest.fixture
def operator(tmp_path: Path) -> Person:
    return Person("operator", tmp_path / "operator")


# --- the drill


async def test_what_was_acknowledged_before_a_backup_is_in_what_is_restored(
    operator: Person, tmp_path: Path
) -> None:
    old, new = Server(tmp_path / "data"), Server(tmp_path / "new")
    with old:
        people = People(old.url, tmp_path / "homes")
        ana, bela, chen = [await people.meet(name) for name in ("ana", "bela", "chen")]
        club = await gather_in("Club", ana, bela, chen)
        (tmp_path / "minutes.bin").write_bytes(BODY)
        await ana.send(club, "the minutes", files=[tmp_path / "minutes.bin"])
        await chen.read(club)
        await chen.close()  # who is away, and comes back to the restored server
        acknowledged = [
            await _say(who, club, f"before {n}") for n in range(20) for who in (ana, bela)
        ]
        async with _talking(club, ana, bela) as during:
            made = await _run(operator, "backup", "create", tmp_path / "b.tar", "--data", old.data)
        assert during, "they went on while the backup was made"
        await people.go_home()
    assert made["files"] == 1
    assert made["missing"] == []
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert await _run(operator, "backup", "verify", tmp_path / "b.tar") == made
    assert await _run(operator, "backup", "restore", tmp_path / "b.tar", "--data", new.data) == made
    new.take_address(old)
    with new:
        async with Client.open(tmp_path / "homes" / "chen") as chen:
            messages = await chen.read(club, limit=1000)
            texts = [message.text for message in messages]
            assert texts[0] == "the minutes"
            assert texts[1 : 1 + len(acknowledged)] == acknowledged
            file = messages[0].files[0]
            path = await chen.download(club, file.file_id, tmp_path / "again.bin")
            assert path.read_bytes() == BODY
            await chen.send(club, "it goes on")
    for secret in ("server.key", "files"):
        assert (new.data / secret).stat().st_mode & 0o077 == 0


async def _say(who: Client, club: str, text: str) -> str:
    await who.send(club, text)
    return text


@asynccontextmanager
async def _talking(club: str, *people: Client) -> AsyncGenerator[list[str]]:
    """They send, one message after the other, until this is left."""
    said: list[str] = []

    async def talk(who: Client) -> None:
        while True:
            said.append(await _say(who, club, "meanwhile"))

    talks = [asyncio.create_task(talk(who)) for who in people]
    try:
        yield said
    finally:
        for task in talks:
            task.cancel()
        ends = await asyncio.gather(*talks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


async def _run(operator: Person, *words: object) -> dict[str, object]:
    return await asyncio.to_thread(operator.does, *words)


# --- what is refused, and what is found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("backups")
    with Server(folder / "data") as server:
        ana = Person("ana", folder / "ana")
        ana.sign_up(server.url)
        ana.does("group", "create", "Club")
        for name in ("one", "two"):
            (folder / name).write_bytes(BODY)
            ana.does("send", "Club", name, "--file", folder / name)
        yield Served(server.url, server.data)


@pytest.fixture(scope="module")
def backup(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "b.tar"
    Person("operator", path.parent / "home").does("backup", "create", path, "--data", served.data)
    return path


def test_nothing_is_overwritten(
    operator: Person, served: Served, backup: Path, tmp_path: Path
) -> None:
    before = backup.read_bytes()
    again = operator.refused("backup", "create", backup, "--data", served.data)
    assert again == "file_exists"
    assert backup.read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    assert operator.refused("backup", "restore", backup, "--data", tmp_path / "mine") == "not_empty"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


def test_a_folder_without_a_server_is_named_and_left_alone(
    operator: Person, tmp_path: Path
) -> None:
    done = operator.run("backup", "create", tmp_path / "b.tar", "--data", tmp_path / "typo")
    assert (done.code, done.out) == (1, "")
    assert str(tmp_path / "typo") in done.err
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "b.tar").exists()
    assert operator.run("backup", "create", "--data", tmp_path).code == 2


@pytest.mark.parametrize("part", [0.0, 0.5, 0.95])
def test_a_backup_that_is_cut_off_is_damaged(
    operator: Person, backup: Path, tmp_path: Path, part: float
) -> None:
    content = backup.read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[: int(len(content) * part)])
    assert operator.refused("backup", "verify", tmp_path / "cut.tar") == "backup_damaged"
    into = tmp_path / "new"
    code = operator.refused("backup", "restore", tmp_path / "cut.tar", "--data", into)
    assert code == "backup_damaged"
    assert not into.exists()


@pytest.mark.parametrize("prefix", ["database/", "files/", "server.key"])
def test_a_byte_that_has_changed_is_found(
    operator: Person, backup: Path, tmp_path: Path, prefix: str
) -> None:
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as tar:
        member = next(one for one in tar if one.name.startswith(prefix))
    content[member.offset_data + member.size // 2] ^= 1
    (tmp_path / "b.tar").write_bytes(content)
    assert operator.refused("backup", "verify", tmp_path / "b.tar") == "backup_damaged"


def test_a_file_that_the_server_has_lost_is_named_and_the_rest_is_kept(
    operator: Person, served: Served, tmp_path: Path
) -> None:
    lost = next((served.data / "files").iterdir())
    kept = tmp_path / lost.name
    shutil.move(lost, kept)
    try:
        done = operator.run("backup", "create", tmp_path / "b.tar", "--data", served.data)
    finally:
        shutil.move(kept, lost)
    assert done.code == 1
    assert lost.name in done.err
    assert operator.refused("backup", "verify", tmp_path / "b.tar") == "files_missing"
    assert operator.does("backup", "restore", tmp_path / "b.tar", "--data", tmp_path / "new")
    assert len(list((tmp_path / "new" / "files").iterdir())) == 1


def test_a_server_that_does_not_run_is_backed_up_as_well(
    operator: Person, backup: Path, tmp_path: Path
) -> None:
    operator.does("backup", "restore", backup, "--data", tmp_path / "new")
    again = operator.does("backup", "create", tmp_path / "b.tar", "--data", tmp_path / "new")
    assert again["files"] == 2
    assert not (tmp_path / "new" / "postgres" / "postmaster.pid").exists()


def test_a_restore_that_was_cut_off_is_not_served(
    operator: Person, backup: Path, tmp_path: Path
) -> None:
    operator.does("backup", "restore", backup, "--data", tmp_path / "new")
    (tmp_path / "new" / "restore.unfinished").touch()
    done = operator.run("serve", "--data", tmp_path / "new", "--port", "0")
    assert done.code == 1
    assert "restore again" in done.err


def test_what_was_spent_after_the_backup_is_not_spent_again(
    operator: Person, served: Served, tmp_path: Path, backup: Path
) -> None:
    """Message ids that clients have seen stay those of other messages."""
    with Server(tmp_path / "new") as server:
        empty = server.database_url
        with psycopg.connect(empty) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        into = tmp_path / "files only"
        operator.does("backup", "restore", backup, "--data", into, "--database", empty)
        with psycopg.connect(empty) as connection:
            row = connection.execute("SELECT nextval('messages_id_seq')").fetchone()
        assert row
        assert row[0] > 1_000_000
        assert {path.name for path in into.iterdir()} == {"server.key", "files"}
        second = tmp_path / "second"
        code = operator.refused("backup", "restore", backup, "--data", second, "--database", empty)
        assert code == "not_empty"
        assert list(second.iterdir()) == []


def test_a_password_stands_in_no_argument(operator: Person, served: Served, tmp_path: Path) -> None:
    """pg_dump is told by its environment; a wrong address is not repeated either."""
    url = "postgresql://dev:sesame@127.0.0.1:1/chatapp"
    done = operator.run(
        "backup", "create", tmp_path / "b.tar", "--data", served.data, DATABASE_URL=url
    )
    assert done.code == 1
    assert "sesame" not in done.err + done.out
    assert json.dumps(os.listdir(tmp_path)).count("tar") == 0


# --- who knows more than the restored server


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "gone on"])
async def test_who_has_seen_more_is_told_and_leads_nobody_astray(
    operator: Person, tmp_path: Path, others: int
) -> None:
    """A log that ends before the own cursor; and one that others have carried past it since."""
    old, new = Server(tmp_path / "data"), Server(tmp_path / "new")
    with old:
        people = People(old.url, tmp_path / "homes")
        ana, bela = await people.meet("ana"), await people.meet("bela")
        club = await gather_in("Club", ana, bela)
        await ana.send(club, "before")
        await bela.read(club)
        await _run(operator, "backup", "create", tmp_path / "b.tar", "--data", old.data)
        for number in range(3):
            await ana.send(club, f"lost {number}")
        await ana.read(club)
        await people.go_home()
    await _run(operator, "backup", "restore", tmp_path / "b.tar", "--data", new.data)
    new.take_address(old)
    with new:
        async with Client.open(tmp_path / "homes" / "bela") as bela:
            for number in range(others):
                await bela.send(club, f"new {number}")
            async with Client.open(tmp_path / "homes" / "ana") as ana:
                for _ in range(2):
                    with pytest.raises(LogRewound, match="gone back"):
                        await ana.send(club, "does anybody hear me?")
                kept = [message.text for message in await ana.read(club)]
                assert kept == ["before", "lost 0", "lost 1", "lost 2"], "nothing here is lost"
                assert any("gone back" in warning for warning in ana.pop_warnings())
            await bela.send(club, "the others go on")
            heard = [message.text for message in await bela.read(club)]
            news = [f"new {number}" for number in range(others)]
            assert heard == ["before", *news, "the others go on"]
