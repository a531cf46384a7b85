"""Everything that can go wrong with a PostgreSQL, and what is said or done about it."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from coterie.server.postgres import AlreadyRunning, Postgres, PostgresUnavailable, find_url
from tests.server.postgres.programs import (
    LIMIT,
    Program,
    refusal,
    run,
    started,
    tools_without,
    value,
    wait_for_exit,
)

Launch = Callable[..., Program]


def contents(folder: Path) -> dict[Path, bytes | None]:
    return {
        path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))
    }


def answers_again(url: str) -> bool:
    """Whether it answers before the limit."""
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        try:
            return value(url, "SELECT 1") == 1
        except psycopg.OperationalError:
            continue
    return False


def test_sigterm_to_the_group_stops_both(tmp_path: Path, program: Launch) -> None:
    first = started(program(tmp_path))
    postmaster = first.postmaster
    begun = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - begun < 20
    wait_for_exit(postmaster)


class TestTwoStarts:
    def test_the_second_is_told_about_the_first(self, tmp_path: Path, program: Launch) -> None:
        first = started(program(tmp_path))
        said = refusal(program(tmp_path))
        assert said.strip() == (
            f"Coterie is already running on {tmp_path} (process {first.process.pid})."
        )
        assert value(first.url, "SELECT 1") == 1, "the first goes on"

    def test_at_the_same_moment_on_a_new_folder(self, tmp_path: Path, program: Launch) -> None:
        rivals = [program(tmp_path) for _ in range(3)]
        ends = [rival for rival in rivals if not _first_line(rival)]
        assert len(ends) == 2, "exactly one gets the folder"
        assert all("already running" in refusal(end) for end in ends)

    async def test_the_folder_is_free_after_a_stop(self, tmp_path: Path) -> None:
        first, second = Postgres(tmp_path), Postgres(tmp_path)
        await first.start()
        with pytest.raises(AlreadyRunning):
            await second.start()
        await first.stop()
        await second.start()
        await second.stop()


class TestKilledPostgres:
    def test_it_is_started_again_each_time(self, tmp_path: Path, program: Launch) -> None:
        first = started(program(tmp_path))
        run(first.url, "CREATE TABLE kept AS SELECT 1 AS round")
        for _ in range(3):
            killed = first.postmaster
            run(first.url, "INSERT INTO kept SELECT max(round) + 1 FROM kept")
            os.kill(killed, signal.SIGKILL)
            wait_for_exit(killed)
            assert answers_again(first.url)
        assert value(first.url, "SELECT count(*) FROM kept") == 4, "what was committed is there"
        assert first.stop() == 0, "and it still stops"

    def test_a_killed_backend_is_postgres_own_affair(self, tmp_path: Path, program: Launch) -> None:
        first = started(program(tmp_path))
        postmaster = first.postmaster
        with psycopg.connect(first.url) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert answers_again(first.url)
        assert first.postmaster == postmaster


class TestKilledServer:
    def test_postgres_ends_with_it_and_the_next_start_works(
        self, tmp_path: Path, program: Launch
    ) -> None:
        first = started(program(tmp_path))
        run(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        postmaster = first.postmaster
        first.kill()
        second = started(program(tmp_path))  # at once, while the old PostgreSQL shuts down
        wait_for_exit(postmaster)
        assert value(second.url, "SELECT answer FROM kept") == 42

    def test_an_orphan_is_stopped_by_the_next_start(self, tmp_path: Path, program: Launch) -> None:
        data = tmp_path / "data"
        first = started(program(data, tools=tools_without("setpriv", tmp_path)))
        orphan = first.postmaster
        first.kill()
        assert value(first.url, "SELECT 1") == 1, "without setpriv, PostgreSQL is left behind"
        second = started(program(data))
        wait_for_exit(orphan)
        assert value(second.url, "SELECT 1") == 1

    def test_both_killed_at_once(self, tmp_path: Path, program: Launch) -> None:
        first = started(program(tmp_path))
        run(first.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        _kill_both(first)
        second = started(program(tmp_path))
        assert value(second.url, "SELECT answer FROM kept") == 42

    def test_the_file_of_a_dead_server_is_not_believed(
        self, tmp_path: Path, program: Launch
    ) -> None:
        first = started(program(tmp_path))
        _kill_both(first)
        pid_file = tmp_path / "postgres" / "postmaster.pid"
        words = pid_file.read_text().split("\n")
        pid_file.write_text("\n".join([str(os.getpid()), *words[1:]]))
        with pytest.raises(PostgresUnavailable, match="No PostgreSQL runs"):
            find_url(tmp_path)
        second = started(program(tmp_path))
        assert value(second.url, "SELECT 1") == 1, "its process id was reused: by this test"

    def test_killed_while_making_the_data(self, tmp_path: Path, program: Launch) -> None:
        first = program(tmp_path)
        while not list(tmp_path.glob("postgres.unfinished-*/PG_VERSION")):
            assert first.process.poll() is None
        first.kill()
        assert not (tmp_path / "postgres").exists()
        second = started(program(tmp_path))
        assert value(second.url, "SELECT current_user") == "dev"
        assert not list(tmp_path.glob("postgres.unfinished-*")), "nothing is left of the first"


class TestZombie:
    """In a container without an init, a dead PostgreSQL keeps its process id for ever."""

    @pytest.fixture
    def adopter(self) -> Iterator[None]:
        """Make this process the one that inherits orphans, and does not reap them."""
        set_child_subreaper = 36
        prctl = ctypes.CDLL(None).prctl
        assert prctl(set_child_subreaper, 1, 0, 0, 0) == 0
        yield
        assert prctl(set_child_subreaper, 0, 0, 0, 0) == 0

    @pytest.mark.usefixtures("adopter")
    def test_is_no_server(self, tmp_path: Path, program: Launch) -> None:
        first = started(program(tmp_path))
        zombie = first.postmaster
        _kill_both(first)
        state = Path(f"/proc/{zombie}/stat").read_text().rpartition(")")[2].split()[0]
        assert (state, first.postmaster) == ("Z", zombie), "dead, but its id is taken"
        second = started(program(tmp_path))
        assert value(second.url, "SELECT 1") == 1
        os.waitpid(zombie, 0)


class TestUnusableData:
    async def test_of_an_older_postgres(self, tmp_path: Path) -> None:
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
        before = contents(tmp_path / "postgres")
        with pytest.raises(PostgresUnavailable, match="made by PostgreSQL 15; this Coterie brings"):
            await Postgres(tmp_path).start()
        assert contents(tmp_path / "postgres") == before

    async def test_of_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "letters.txt").write_text("Dear Chen")
        before = contents(tmp_path / "postgres")
        with pytest.raises(PostgresUnavailable, match="is not a data folder of PostgreSQL"):
            await Postgres(tmp_path).start()
        assert contents(tmp_path / "postgres") == before

    async def test_a_file_where_the_folder_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("")
        with pytest.raises(PostgresUnavailable, match="lock cannot be opened: Not a directory"):
            await Postgres(tmp_path / "data").start()

    async def test_a_failed_start_says_why_and_frees_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(PostgresUnavailable, match=r'"shared_buffers".*postgres\.log'):
            await Postgres(tmp_path, settings={"shared_buffers": "plenty"}).start()
        server = Postgres(tmp_path)
        await server.start()
        await server.stop()


def _first_line(program: Program) -> str:
    assert program.process.stdout
    return program.process.stdout.readline()


def _kill_both(program: Program) -> None:
    """Kill PostgreSQL while its parent cannot reap it or start another, then the parent."""
    postmaster = program.postmaster
    program.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WNOWAIT)
    os.kill(postmaster, signal.SIGKILL)
    wait_for_exit(postmaster)
    program.kill()
