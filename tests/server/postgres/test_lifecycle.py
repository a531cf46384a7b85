"""A PostgreSQL that starts, is found, and stops."""

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from coterie.server.postgres import Postgres, PostgresUnavailable, find_url
from coterie.server.postgres.binaries import find_binaries
from tests.server.postgres.programs import run, value


@pytest.fixture
def server(postgres_server: Postgres) -> Postgres:
    return postgres_server


def test_the_owner_of_the_database_is_no_superuser(server: Postgres) -> None:
    assert value(server.url, "SELECT current_user || '@' || current_database()") == "dev@chatapp"
    assert value(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'dev'") is False


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_an_acknowledged_message_is_on_disk(server: Postgres, setting: str) -> None:
    assert value(server.url, f"SHOW {setting}") == "on"


def test_nothing_listens_on_the_network(server: Postgres) -> None:
    assert value(server.url, "SHOW listen_addresses") == ""
    reachable = "SELECT count(*) FROM pg_hba_file_rules WHERE type <> 'local' AND auth_method <> "
    assert value(server.superuser_url, reachable + "'reject'") == 0


def test_only_the_owner_enters_its_folders(server: Postgres) -> None:
    private = ["postgres", "run", "lock", "postgres.lock", "postgres.log"]
    modes = {name: stat.S_IMODE((server.data / name).stat().st_mode) for name in private}
    assert modes == {"postgres": 0o700, "run": 0o700} | dict.fromkeys(private[2:], 0o600)


def test_psql_reaches_it_through_the_url(server: Postgres) -> None:
    psql = find_binaries() / "psql"
    hostile = os.environ | {"PGPORT": "1", "PGHOST": "nowhere", "PGDATABASE": "other"}
    answer = subprocess.run(
        [psql, find_url(server.data), "-Atc", "SELECT 'hello'"],
        check=True, capture_output=True, text=True, env=hostile,
    )  # fmt: skip
    assert answer.stdout == "hello\n", "whatever libpq finds in the environment"


def test_its_log_tells_errors_without_values(server: Postgres, empty_database_url: str) -> None:
    run(empty_database_url, "CREATE TABLE secrets (word TEXT UNIQUE CHECK (word <> 'xyzzy'))")
    run(empty_database_url, "INSERT INTO secrets VALUES ('plugh')")
    for word in ("plugh", "xyzzy"):
        with pytest.raises(psycopg.errors.IntegrityError):
            run(empty_database_url, f"INSERT INTO secrets VALUES ('{word}')")  # noqa: S608
    log = server.log_file.read_text()
    assert "duplicate key value" in log, "the error is there"
    assert not {"plugh", "xyzzy"} & set(log.replace("'", " ").replace(")", " ").split())


async def test_data_outlives_a_stop(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "new" / "data")
    await server.start()
    run(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    await server.stop()
    await server.start()
    assert value(server.url, "SELECT answer FROM kept") == 42
    await server.stop()


async def test_promises_are_not_settings(tmp_path: Path) -> None:
    server = Postgres(tmp_path, settings={"fsync": "off", "max_connections": "23"})
    await server.start()
    assert value(server.url, "SHOW fsync") == "on"
    assert value(server.url, "SHOW max_connections") == "23", "others may be chosen"
    await server.stop()


async def test_stopping_does_not_wait_for_clients(tmp_path: Path) -> None:
    server = Postgres(tmp_path)
    await server.start()
    watching = asyncio.create_task(server.watch())
    client = await psycopg.AsyncConnection.connect(server.url)
    await client.execute("SELECT 1")  # its transaction is open
    await asyncio.wait_for(server.stop(), 10)
    await asyncio.wait_for(watching, 1)
    with pytest.raises(psycopg.OperationalError):
        await client.execute("SELECT 1")
    await client.close()


async def test_nothing_is_found_where_nothing_runs(tmp_path: Path) -> None:
    for data in (tmp_path / "missing", tmp_path):
        with pytest.raises(PostgresUnavailable, match=f"No PostgreSQL runs on {data}"):
            find_url(data)
    server = Postgres(tmp_path)
    await server.start()
    await server.stop()
    with pytest.raises(PostgresUnavailable, match="coterie serve --data"):
        find_url(tmp_path)


class TestLongPath:
    """Unix sockets have short names: the socket moves out of a deep data folder."""

    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        return tmp_path / ("deep" * 30)

    async def test_the_socket_moves_to_the_runtime_folder(
        self, data: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runtime = open_folder / "runtime"
        runtime.mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        server = Postgres(data)
        await server.start()
        [sockets] = runtime.iterdir()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        monkeypatch.delenv("XDG_RUNTIME_DIR")  # another shell, or cron
        assert value(find_url(data), "SELECT 1") == 1
        await server.stop()
        assert not list(runtime.iterdir()), "nothing stays behind outside the data"

    async def test_the_temporary_folder_serves_where_there_is_no_runtime_folder(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        server = Postgres(data)
        await server.start()
        assert value(find_url(data), "SELECT 1") == 1
        await server.stop()

    async def test_a_folder_that_others_may_enter_is_refused(
        self, data: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(open_folder))
        server = Postgres(data)
        await server.start()
        await server.stop()
        prepared = str(conninfo_to_dict(server.url)["host"])
        os.mkdir(prepared, mode=0o755)
        with pytest.raises(PostgresUnavailable, match=f"{prepared}.*not a folder of mode 0700"):
            await server.start()
