"""Accounts: signing up, sessions, and the recovery code."""

import os
import pty
import re
import subprocess
from pathlib import Path
from uuid import UUID

from coterie.sdk.recovery import RecoveryCode, new_recovery_code
from tests.cli.people import COTERIE, PASSWORD, Person, Served


def test_signing_up_makes_the_profile(server: Served, tmp_path: Path) -> None:
    eva = Person("eva", tmp_path / "some" / "new" / "folder")
    account = eva.sign_up(server.url)
    assert set(account) == {"user_id", "device_id", "recovery_code"}
    assert RecoveryCode.parse(account["recovery_code"])
    assert eva.does("whoami") == {
        "user_id": account["user_id"],
        "username": "eva",
        "device_id": account["device_id"],
        "server": server.url,
    }
    assert UUID(account["user_id"]) != UUID(account["device_id"])

    assert eva.refused("signup", "eve", "--server", server.url) == "already_signed_up"
    other = Person("eva", tmp_path / "other")
    assert other.refused("signup", "eva", "--server", server.url) == "username_taken"


def test_a_code_that_nobody_saw_is_shown_again(server: Served, tmp_path: Path) -> None:
    ann = Person("ann", tmp_path / "ann")
    words = [*COTERIE, "signup", "ann", "--server", server.url]
    with Path("/dev/full").open("w") as full:
        unseen = subprocess.run(words, stdout=full, env=ann.environment(), check=False)
    assert unseen.returncode == 1
    account = ann.sign_up(server.url)
    ann.does("recovery", "check", typed=account["recovery_code"])
    assert ann.refused("signup", "ann", "--server", server.url) == "already_signed_up"


def test_the_recovery_code_can_be_checked(server: Served, tmp_path: Path) -> None:
    fay = Person("fay", tmp_path / "fay")
    words = fay.sign_up(server.url)["recovery_code"]
    assert fay.does("recovery", "check", typed=words) == {"valid": True}
    other = new_recovery_code().words
    assert fay.refused("recovery", "check", typed=other) == "wrong_recovery_code"
    assert fay.refused("recovery", "check", typed="not a code") == "bad_recovery_code"


def test_a_session_ends_and_begins_again(server: Served, tmp_path: Path) -> None:
    gil = Person("gil", tmp_path / "gil")
    gil.sign_up(server.url)
    gil.does("logout")
    assert gil.refused("group", "list") == "unauthenticated"
    assert gil.refused("login", COTERIE_PASSWORD="another password") == "wrong_credentials"
    gil.does("login")
    assert gil.does("group", "list") == []


def test_a_server_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    person = Person("hal", tmp_path / "hal")
    assert person.refused("signup", "hal", "--server", "http://127.0.0.1:1") == "server_unreachable"


def test_on_a_terminal_the_code_is_typed_back(server: Served, tmp_path: Path) -> None:
    """Once wrong, then right: the exercise goes on until the words are on paper."""
    ida = Person("ida", tmp_path / "ida")
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [*COTERIE, "signup", "ida", "--server", server.url],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=ida.environment(COTERIE_PASSWORD="", TERM="dumb"),
        start_new_session=True,
    )
    os.close(inner)
    shown = _answer(terminal, "Password: ", PASSWORD)
    shown += _answer(terminal, "Repeat for confirmation: ", PASSWORD)
    shown += _answer(terminal, r"Word (\d+): ", "wrong")
    words = re.findall(r"^  ((?:[a-z]+\s+)+)", shown, re.M)
    listed = " ".join(words).split()
    assert len(listed) == 24
    assert PASSWORD not in shown
    number = re.findall(r"Word (\d+): ", shown)[-1]
    again = _answer(terminal, rf"Word {number}: ", listed[int(number) - 1])
    assert "not the word" in again
    number = re.findall(r"Word (\d+): ", _answer(terminal, r"Word (\d+): ", ""))[-1]
    _answer(terminal, rf"Word {number}: ", listed[int(number) - 1])
    assert process.wait(20) == 0
    os.close(terminal)


def _answer(terminal: int, question: str, answer: str) -> str:
    """Read until the question stands at the end, then type the answer."""
    shown = ""
    while not re.search(question + r"\Z", shown):
        shown += os.read(terminal, 4096).decode().replace("\r", "")
    os.write(terminal, f"{answer}\n".encode())
    return shown
