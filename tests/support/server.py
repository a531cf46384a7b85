"""A real `coterie serve` in a process of its own, with its own PostgreSQL and data folder."""

import asyncio
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

import coterie

START_LIMIT = 60.0
STOP_LIMIT = 20.0
READY = re.compile(r"Coterie is ready at (\S+)")
SOURCES = Path(coterie.__file__).parents[1]
"""Where the package under test was imported from: the server must run the same."""

COTERIE = (sys.executable, "-c", "from coterie.cli import main; main()")


class Server:
    """Started and stopped by hand, or by `with`. A second start keeps port and data."""

    def __init__(
        self, data: Path, *options: str, variables: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`variables` are those of its environment beside the test's own. Once it is ready, `url`
        is where it says that it is, and `local_url` where it listens."""
        self.data = data
        self.options = options
        self.variables = variables
        self.url = ""
        self.local_url = ""
        self.log_file = data.parent / f"{data.name}.log"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take_address(self, other: "Server") -> None:
        """Before it is started: people know a server by its address."""
        self.local_url = other.local_url

    def start(self) -> None:
        """Return when it says that it is ready; raise with its log when it does not."""
        port = self.local_url.rpartition(":")[2] or str(_free_port())
        with self.log_file.open("a") as log:
            self._process = subprocess.Popen(
                [*COTERIE, "serve", "--data", self.data, "--port", port, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(self.variables),
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout
        self.url = _ready_url(self._process.stdout) or self._fail()
        self.local_url = f"http://127.0.0.1:{port}"

    async def restart(self) -> None:
        await asyncio.to_thread(self.start)

    def stop(self) -> None:
        """As an operator does it: SIGTERM to the process group; it takes PostgreSQL along."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(STOP_LIMIT)

    def kill(self) -> None:
        """kill -9."""
        assert self._process, "it was started"
        self._process.kill()
        self._process.wait(STOP_LIMIT)

    def kill_postgres(self) -> int:
        """kill -9 of PostgreSQL's postmaster; the pid it had."""
        pid = self.postgres_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    @property
    def postgres_pid(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    @property
    def pid(self) -> int:
        assert self._process, "it was started"
        return self._process.pid

    async def logged(self, event: str) -> None:
        """Return when its log tells of this event."""
        tail = await asyncio.create_subprocess_exec(
            "tail", "-n", "+1", "-f", self.log_file, stdout=asyncio.subprocess.PIPE
        )
        assert tail.stdout
        try:
            async with asyncio.timeout(START_LIMIT):
                while event not in (await tail.stdout.readline()).decode():
                    pass
        finally:
            tail.kill()
            await tail.wait()

    @property
    def logs(self) -> str:
        return self.log_file.read_text()

    @property
    def database_url(self) -> str:
        """What the operator's own command says."""
        command = [*COTERIE, "database", "url", "--data", self.data]
        printed = subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=True
        )
        return printed.stdout.strip()

    def _fail(self) -> str:
        self.stop()
        raise RuntimeError(f"the server did not become ready:\n{self.logs[-4000:]}")


def _free_port() -> int:
    """One below those that the system hands out: nobody else is given it during a restart."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as knocker:
            if knocker.connect_ex(("127.0.0.1", port)):
                return port


def environment(extra: Mapping[str, str] = os.environ) -> dict[str, str]:
    """This process's environment, with the package under test first on the path."""
    return {**os.environ, **extra, "PYTHONPATH": str(SOURCES)}


def _ready_url(stdout: IO[str]) -> str:
    """Wait for the line, and go on reading afterwards, so that the process never waits for us."""
    ready, found = threading.Event(), [""]

    def read() -> None:
        with stdout:
            for line in stdout:
                if match := READY.search(line):
                    found[0] = match[1]
                    ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    ready.wait(START_LIMIT)
    return found[0]
