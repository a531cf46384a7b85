"""People who use Coterie as people do: each with a profile, typing commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.commands import Done, carry_out

SOURCES = Path(__file__).parents[2] / "src"
PASSWORD = "correct horse battery"
COTERIE = (sys.executable, "-m", "coterie")


class Person:
    """Somebody with a profile of their own; the account may still have to be made."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home

    def environment(self, **more: str) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if "COTERIE" not in key}
        return {
            **inherited,
            "PYTHONPATH": os.pathsep.join([str(SOURCES), os.environ.get("PYTHONPATH", "")]),
            "COTERIE_HOME": str(self.home),
            "COTERIE_PASSWORD": PASSWORD,
            **more,
        }

    def run(self, *words: object, typed: str = "", cwd: Path | None = None, **more: str) -> Done:
        """Run one command, with standard input that is no terminal."""
        environment = self.environment(**more)
        return carry_out([*map(str, words)], typed=typed, cwd=cwd, environment=environment)

    def does(self, *words: object, **more: Any) -> Any:
        """Run a command that must succeed; its JSON."""
        done = self.run(*words, "--json", **more)
        assert done.code == 0, f"{self.name}: {words} failed: {done.err}"
        return json.loads(done.out)

    def refused(self, *words: object, **more: Any) -> str:
        """Run a command that must be refused; the code of the refusal."""
        done = self.run(*words, "--json", **more)
        assert done.code == 1, f"{self.name}: {words} ended with {done.code}: {done.out}"
        assert done.out == "", "a refusal says nothing on stdout"
        error = json.loads(done.err.splitlines()[-1])
        assert set(error) == {"code", "message"}
        return error["code"]

    def sign_up(self, server: str) -> dict[str, str]:
        return self.does("signup", self.name, "--server", server)

    def start(self, *words: object) -> "subprocess.Popen[str]":
        """Start a command and go on meanwhile."""
        return subprocess.Popen(
            [*COTERIE, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environment(),
        )


class Served(NamedTuple):
    """A running server: its address and its data folder."""

    url: str
    data: Path


class Club(NamedTuple):
    """A group of its own for one test; ana owns it, bela and chen are members."""

    group_id: str
    ana: Person
    bela: Person
    chen: Person
