"""The server as an operator sees it: started, killed under, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg
import pytest
from aiohttp import ClientSession

from coterie.protocol import commands as c
from coterie.protocol.errors import Refused, Unavailable
from coterie.server.app import running
from coterie.server.config import Config, ConfigRefused
from coterie.server.operations.entrance import Registration
from coterie.server.postgres import AlreadyRunning
from coterie.server.storage.database import DatabaseUnavailable
from coterie.server.storage.keys import KeyUnusable, load_registration_code
from tests.server.client import PASSWORD, Person, ask

ROOT = Path(__file__).parents[2]


@dataclass
class Server:
    process: asyncio.subprocess.Process
    url: str
    read: list[str] = field(default_factory=list)
    """Of stderr, so far."""

    async def logs(self, event: str) -> None:
        """Return when it has written a line with this event to stderr."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            while line := (await self.process.stderr.readline()).decode():
                self.read.append(line)
                if f"event='{event}'" in line:
                    return
        raise AssertionError(f"it ended without {event}: {''.join(self.read)}")

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it wrote to stderr."""
        self.process.send_signal(number)
        async with asyncio.timeout(20):
            _, printed = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, "".join(self.read) + printed.decode()


@asynccontextmanager
async def server_on(data: Path, *arguments: str) -> AsyncGenerator[Server]:
    """A server in a process of its own that is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.server.serving",
        str(data),
        *arguments,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Coterie is ready at http://127.0.0.1:"), line
        yield Server(process, line.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


# --- from start to stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_and_its_postgres(tmp_path: Path, number: signal.Signals) -> None:
    data = tmp_path / "data"
    async with server_on(data) as server:
        async with ClientSession(server.url) as http:
            await Person(http, "bela").sign_up()
        postmaster = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        code, printed = await server.end(number)
    assert code == 0
    assert "Traceback" not in printed
    with pytest.raises(ProcessLookupError):
        os.kill(postmaster, 0)
    assert (data / "server.key").stat().st_mode & 0o777 == 0o600


async def test_what_was_signed_up_outlives_the_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with server_on(data) as server, ClientSession(server.url) as http:
        bela = await Person(http, "bela").sign_up()
        group_id = await bela.create_group()
        first = await ask(http, c.GetServer())
        server.process.kill()
        await server.process.wait()
    async with server_on(data) as server, ClientSession(server.url) as http:
        assert await ask(http, c.GetServer()) == first, "the server's key is the same"
        bela.http = http
        assert (await bela.ask(c.GetGroup(group_id=group_id))).name == "Garden"


async def test_a_killed_postgres_comes_back_and_so_do_the_answers(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with server_on(data) as server, ClientSession(server.url) as http:
        bela = await Person(http, "bela").sign_up()
        group_id = await bela.create_group()
        await bela.send(group_id)
        postmaster = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        asked = [bela.ask(c.ListConversations()) for _ in range(20)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                assert outcome.refusal == Unavailable()
            else:
                assert isinstance(outcome, c.Conversations)
        await server.logs("postgres.restarted")
        assert len((await bela.ask(c.ListConversations())).conversations) == 1
        await bela.send(group_id)
        code, printed = await server.end()
    assert code == 0
    assert "Traceback" not in printed


async def test_nothing_secret_is_written_to_the_log(tmp_path: Path) -> None:
    async with server_on(tmp_path / "data") as server, ClientSession(server.url) as http:
        bela = await Person(http, "bela-canary").sign_up()
        await bela.ask(c.LogIn(username=bela.username, password=PASSWORD, device_id=bela.device_id))
        with pytest.raises(Refused):
            await ask(http, c.GetAccount(), "token-canary")
        _, printed = await server.end()
    assert bela.token
    for secret in (PASSWORD, bela.token, bela.username, "token-canary"):
        assert secret not in printed


# --- a database of one's own


async def test_a_database_of_ones_own_serves_as_well(database_url: str, tmp_path: Path) -> None:
    async with server_on(tmp_path, database_url) as server, ClientSession(server.url) as http:
        bela = await Person(http, "bela").sign_up()
        assert not (tmp_path / "postgres").exists()
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT username FROM users").fetchone()
        assert row == (bela.username,)
        code, _ = await server.end()
    assert code == 0


async def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    config = Config(data=tmp_path, database="postgresql://dev:sesame@127.0.0.1:1/chatapp", port=0)
    with pytest.raises(DatabaseUnavailable, match="--database") as refused:
        async with running(config):
            pass
    assert "sesame" not in str(refused.value)


async def test_a_database_is_served_with_its_own_key(database_url: str, tmp_path: Path) -> None:
    config = Config(data=tmp_path, database=database_url, port=0)
    async with running(config):
        pass
    (tmp_path / "server.key").unlink()
    with pytest.raises(ConfigRefused, match=r"server\.key"):
        async with running(config):
            pass


async def test_a_key_that_others_may_read_is_refused(database_url: str, tmp_path: Path) -> None:
    config = Config(data=tmp_path, database=database_url, port=0)
    async with running(config):
        pass
    (tmp_path / "server.key").chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        async with running(config):
            pass
    (tmp_path / "server.key").chmod(0o600)
    (tmp_path / "server.key").write_text("damaged")
    with pytest.raises(KeyUnusable, match="backup"):
        async with running(config):
            pass


async def test_one_server_to_a_folder(database_url: str, tmp_path: Path) -> None:
    config = Config(data=tmp_path, database=database_url, port=0)
    async with running(config):
        with pytest.raises(AlreadyRunning):
            async with running(config):
                pass
    async with running(config):
        pass


async def test_a_port_that_is_taken_is_named(
    database_url: str, tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    port = unused_port()
    async with running(Config(data=tmp_path, database=database_url, port=port)):
        taken = Config(data=tmp_path / "other", database=database_url, port=port)
        (tmp_path / "other").mkdir(mode=0o700)
        (tmp_path / "other" / "server.key").write_bytes((tmp_path / "server.key").read_bytes())
        (tmp_path / "other" / "server.key").chmod(0o600)
        with pytest.raises(ConfigRefused, match=f"port {port}"):
            async with running(taken):
                pass


# --- what may be chosen


def test_beyond_this_machine_passwords_cross_no_network_in_the_clear(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.0.2.7", "::", "chat.example.org"):  # noqa: S104
        with pytest.raises(ConfigRefused, match="--public-url"):
            Config(data=tmp_path, host=host)
        with pytest.raises(ConfigRefused, match="--public-url"):
            Config(data=tmp_path, host=host, public_url="http://chat.example.org")
        Config(data=tmp_path, host=host, public_url="https://chat.example.org")
        Config(data=tmp_path, host=host, insecure=True)
    for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9"):
        assert Config(data=tmp_path, host=host).is_local


def test_a_public_url_is_a_url(tmp_path: Path) -> None:
    for url in ("chat.example.org", "ftp://x", "https://", "https://x/?a=1"):
        with pytest.raises(ConfigRefused, match="not a URL"):
            Config(data=tmp_path, public_url=url)
    with pytest.raises(ConfigRefused):
        Config(data=tmp_path, public_url="http://chat.example.org")
    assert not Config(data=tmp_path, public_url="https://chat.example.org").is_local


def test_a_configuration_shows_no_password(tmp_path: Path) -> None:
    config = Config(data=tmp_path, database="postgresql://dev:sesame@host/chatapp")
    assert "sesame" not in repr(config)
    assert msgspec.structs.replace(config, registration=Registration.CLOSED)


def test_a_registration_code_may_be_chosen_and_not_too_short(tmp_path: Path) -> None:
    made = load_registration_code(tmp_path)
    assert load_registration_code(tmp_path) == made
    file = tmp_path / "registration.code"
    file.write_text("our-own-secret-code\n")
    assert load_registration_code(tmp_path) == "our-own-secret-code"
    file.write_text("short\n")
    with pytest.raises(KeyUnusable, match="too short"):
        load_registration_code(tmp_path)
