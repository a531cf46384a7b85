"""What a doctor finds, of what was broken on purpose."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from tests.cli.people import Person, Served
from tests.support.server import Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("doctor")
    with Server(folder / "data") as server:
        ana = Person("ana", folder / "ana")
        ana.sign_up(server.url)
        ana.does("group", "create", "Club")
        (folder / "map").write_bytes(bytes(1_000))
        ana.does("send", "Club", "a map", "--file", folder / "map")
        yield Served(server.url, server.data)


@pytest.fixture
def operator(tmp_path: Path) -> Person:
    return Person("operator", tmp_path / "operator")


def examine(operator: Person, data: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = operator.run("doctor", "--data", data, *options, "--json")
    findings = msgspec.json.decode(done.out)
    assert all(set(one) == {"about", "verdict", "detail"} for one in findings)
    return done.code, {one["about"]: one["verdict"] for one in findings}


def test_of_a_healthy_server_it_says_so(operator: Person, served: Served) -> None:
    code, verdicts = examine(operator, served.data)
    assert code == 0
    assert verdicts.pop("space") in ("ok", "warn")
    assert verdicts.pop("address") == "warn", "it was not told where people reach it"
    assert set(verdicts.values()) == {"ok"}
    assert {"folder", "durability", "schema", "key", "clock", "files", "orphans"} == set(verdicts)
    done = operator.run("doctor", "--data", served.data)
    assert "FAIL" not in done.out
    assert done.out.count("\n") == len(verdicts) + 2


def test_files_without_bytes_and_bytes_without_files(operator: Person, served: Served) -> None:
    blob = next((served.data / "files").iterdir())
    orphan = blob.with_name("0" * 32)
    orphan.touch()
    hours_ago = time.time() - 7_200
    os.utime(orphan, (hours_ago, hours_ago))
    blob.rename(blob.with_suffix(".away"))
    try:
        code, verdicts = examine(operator, served.data)
    finally:
        blob.with_suffix(".away").rename(blob)
        orphan.unlink()
    assert code == 1
    assert (verdicts["files"], verdicts["orphans"]) == ("fail", "warn")


def test_what_others_may_read(operator: Person, served: Served) -> None:
    (served.data / "server.key").chmod(0o644)
    served.data.chmod(0o755)
    try:
        done = operator.run("doctor", "--data", served.data)
    finally:
        (served.data / "server.key").chmod(0o600)
        served.data.chmod(0o700)
    assert done.code == 1
    assert f"chmod 600 {served.data}/server.key" in done.out
    assert f"WARN  folder      Others may enter it: chmod 700 {served.data}" in done.out


def test_a_lost_key(operator: Person, served: Served, tmp_path: Path) -> None:
    key = served.data / "server.key"
    key.rename(tmp_path / "key")
    try:
        code, verdicts = examine(operator, served.data)
        assert not key.exists(), "it makes none"
    finally:
        (tmp_path / "key").rename(key)
    assert code == 1
    assert verdicts["server.key"] == verdicts["key"] == "fail"


def test_a_database_set_to_lose_what_it_acknowledged(
    operator: Person, database_url: str, served: Served
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
        connection.execute("INSERT INTO schema_version (version) VALUES (999)")
    code, verdicts = examine(operator, served.data, "--database", database_url)
    assert code == 1
    assert verdicts["durability"] == "fail"
    assert verdicts["schema"] == "fail"


def test_a_clock_that_is_behind(operator: Person, served: Served, server_database: str) -> None:
    with psycopg.connect(server_database, autocommit=True) as connection:
        connection.execute("UPDATE messages SET created_at = now() + interval '1 day'")
        try:
            code, verdicts = examine(operator, served.data)
        finally:
            connection.execute("UPDATE messages SET created_at = now()")
    assert (code, verdicts["clock"]) == (1, "fail")


@pytest.fixture
def server_database(operator: Person, served: Served) -> str:
    return operator.does("database", "url", "--data", served.data)["url"]


def test_an_address_without_tls_or_with_nobody_there(operator: Person, served: Served) -> None:
    for url in (served.url, "https://127.0.0.1:1", "chat.example.org"):
        code, verdicts = examine(operator, served.data, "--public-url", url)
        assert (code, verdicts["address"]) == (1, "fail"), url


def test_a_folder_that_is_not_there(operator: Person, tmp_path: Path) -> None:
    code, verdicts = examine(operator, tmp_path / "nowhere")
    assert code == 1
    assert (verdicts["folder"], verdicts["database"]) == ("fail", "fail")
    assert not (tmp_path / "nowhere").exists()
