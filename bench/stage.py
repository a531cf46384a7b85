"""What every measurement stands on: programs that are run, databases of their own, a server."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from coterie.server.postgres import Postgres

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "bench" / "build"
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}

Result = dict[str, Any]


class Serving(NamedTuple):
    """A server that answers at `port` of this machine."""

    port: int
    pid: int


class Stage:
    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self.folder = folder
        self._postgres = postgres
        self._numbers = count(1)

    def database(self) -> str:
        """A new one for each measurement, so that none finds what another left."""
        name = f"bench_{next(self._numbers)}"
        statement = SQL("CREATE DATABASE {} TEMPLATE chatapp OWNER dev").format(Identifier(name))
        with psycopg.connect(self._postgres.superuser_url, autocommit=True) as connection:
            connection.execute(statement)
            connection.execute("CHECKPOINT")
        return make_conninfo(self._postgres.url, dbname=name)

    @contextmanager
    def serving(self, url: str) -> Generator[Serving]:
        """A server on that database; it is stopped when this is left."""
        with process("bench.serving", str(self.folder / "server"), url) as (first, server):
            try:
                yield Serving(int(first.rpartition(":")[2]), server.pid)
            finally:
                server.terminate()


def build() -> None:
    """Compile the generator and the floor with the machine's C compiler ($CC, else cc)."""
    BUILD.mkdir(exist_ok=True)
    for name in ("load", "floor"):
        source, program = ROOT / "bench" / f"{name}.c", BUILD / name
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-Wall", "-o", program, source, "-lm"], check=True)


def lift_open_files() -> None:
    """As many as the machine allows: a connection is one at the generator, and one at the server.

    The programs started from here have the same limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def load(
    port: str | int, seconds: int, size: int, pid: int, plan: list[str], rate: float = 0
) -> Result:
    """What the generator says of this plan."""
    command = [BUILD / "load", *map(str, (port, seconds, size, pid, rate))]
    text = "\n".join(plan)
    done = subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def python(module: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    ).stdout


@contextmanager
def process(program: str | Path, *arguments: str) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """A Python module or another program, and its first line."""
    start = [program] if isinstance(program, Path) else [sys.executable, "-m", program]
    running = subprocess.Popen(
        [*start, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    assert running.stdout
    with running:
        yield running.stdout.readline().strip(), running
