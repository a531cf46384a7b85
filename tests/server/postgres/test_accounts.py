"""As whom PostgreSQL runs, and what that user must be able to reach."""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coterie.server.postgres.account import SYSTEM_USERS
from tests.server.postgres.programs import (
    NOBODY,
    Program,
    readable_copy,
    refusal,
    started,
    tools_without,
    value,
)

Launch = Callable[..., Program]

AS_ROOT = os.geteuid() == 0
"""Only root can become others: the tests of that exist for root alone."""


@pytest.fixture
def without_unshare(open_folder: Path) -> Path:
    """No `unshare` is as good as a kernel that refuses it."""
    return tools_without("unshare", open_folder)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def modes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in (folder, *folder.parents)}


def private_folder(place: Path, uid: int | None = None) -> Path:
    folder = place / "private"
    folder.mkdir(mode=0o700)
    if uid is not None:
        os.chown(folder, uid, uid)
    return folder


def ask_for_url(data: Path, uid: int, readable: Path) -> subprocess.CompletedProcess[str]:
    """What `coterie database url` says to the user `uid`."""
    script = (
        "import os, pathlib, sys; from coterie.server.postgres import find_url;"
        "os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]));"
        "print(find_url(pathlib.Path(sys.argv[1])))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(data), str(uid)],
        check=False, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": f"{readable}:{readable / 'src'}"},
    )  # fmt: skip


def test_as_an_ordinary_user(open_folder: Path, readable: Path, program: Launch) -> None:
    uid = NOBODY if AS_ROOT else os.geteuid()
    data = private_folder(open_folder, uid) / "data"
    before = modes(data.parent)
    first = started(program(data, uid=uid if AS_ROOT else None, readable=readable))
    assert value(first.url, "SELECT current_user") == "dev"
    assert owner_of(first.postmaster) == uid
    assert modes(data.parent) == before


def test_no_secret_of_ours_reaches_it(tmp_path: Path, program: Launch) -> None:
    first = started(program(tmp_path, COTERIE_PASSWORD="correct horse"))
    environment = Path(f"/proc/{first.postmaster}/environ").read_bytes()
    assert b"PATH=" in environment, "its environment can be read by this test"
    assert b"correct horse" not in environment


if AS_ROOT:

    def test_as_root_in_a_namespace(tmp_path: Path, program: Launch) -> None:
        data = private_folder(tmp_path) / "data"
        before = modes(data.parent)
        first = started(program(data))
        assert value(first.url, "SELECT current_user") == "dev"
        assert os.readlink(f"/proc/{first.postmaster}/ns/user") != os.readlink("/proc/self/ns/user")
        assert owner_of(first.postmaster) == 0, "root's own files are its files"
        assert modes(data.parent) == before

    def test_as_root_where_namespaces_are_refused(
        open_folder: Path, readable: Path, program: Launch, without_unshare: Path
    ) -> None:
        data = open_folder / "data"
        first = started(program(data, tools=without_unshare, readable=readable))
        assert value(first.url, "SELECT current_user") == "dev"
        user = pwd.getpwuid(owner_of(first.postmaster))
        assert user.pw_name in SYSTEM_USERS
        assert (data.stat().st_uid, data.stat().st_mode & 0o777) == (user.pw_uid, 0o700)
        assert first.stop() == 0
        again = started(program(data, tools=without_unshare, readable=readable))
        assert value(again.url, "SELECT current_user") == "dev"

    def test_data_that_the_system_user_cannot_reach(
        open_folder: Path, readable: Path, program: Launch, without_unshare: Path
    ) -> None:
        private = private_folder(open_folder)
        before = modes(private)
        said = refusal(program(private / "data", tools=without_unshare, readable=readable))
        assert f"cannot enter {private}." in said
        assert modes(private) == before

    def test_programs_that_the_system_user_cannot_reach(
        open_folder: Path, program: Launch, without_unshare: Path
    ) -> None:
        private = private_folder(open_folder)
        copy = readable_copy(private)
        said = refusal(program(open_folder / "data", tools=without_unshare, readable=copy))
        assert f"cannot enter {private}." in said
        assert modes(private)[private] & 0o777 == 0o700

    def test_data_of_somebody_else(open_folder: Path, readable: Path, program: Launch) -> None:
        data = private_folder(open_folder, NOBODY) / "data"
        theirs = started(program(data, uid=NOBODY, readable=readable))
        asked = ask_for_url(data, NOBODY, readable)
        assert asked.stdout.strip() == theirs.url, "they find it themselves"
        assert "belongs to another user" in ask_for_url(data, NOBODY - 1, readable).stderr
        assert theirs.stop() == 0
        said = refusal(program(data))
        assert f"{data}/postgres belongs to user id {NOBODY}" in said, "not even root may start it"
        stranger = refusal(program(data, uid=NOBODY - 1, readable=readable))
        assert f"{data}" in stranger

    def test_a_folder_that_may_not_be_made(
        open_folder: Path, readable: Path, program: Launch
    ) -> None:
        said = refusal(program(open_folder / "data", uid=NOBODY, readable=readable))
        assert f"{open_folder / 'data'} cannot be made: Permission denied" in said
