"""What needs no server: help, usage, failures, and how fast it all starts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from coterie.cli.app import command
from coterie.cli.durations import parse_duration
from coterie.cli.message_view import message_document, show_messages
from coterie.cli.output import one_line, plain
from coterie.cli.verb import reflowed
from coterie.sdk.views import Message
from tests.cli.people import COTERIE, Person


def _verbs(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not hasattr(node, "commands"):
        yield path
        return
    for name, child in node.commands.items():
        yield from _verbs(child, (*path, name))


VERBS = sorted(_verbs(command()))


@pytest.fixture
def nobody(tmp_path: Path) -> Person:
    return Person("nobody", tmp_path / "not yet there")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_explains_itself_with_an_example(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    command().main(args=[*verb, "--help"], prog_name="coterie", standalone_mode=False)
    shown = capsys.readouterr().out
    assert f"coterie {' '.join(verb)}" in shown.split("Usage:")[1].split("\n", 1)[1]
    assert "--json" in shown


def test_help_breaks_its_lines_where_the_terminal_ends() -> None:
    text = """Do it.

    It is done\n    on two lines.

    \b
    coterie one\n    coterie two
    """
    assert reflowed(text) == "Do it.\n\nIt is done on two lines.\n\n\b\ncoterie one\ncoterie two"


def test_the_verbs_are_those_of_the_product() -> None:
    words = {" ".join(verb) for verb in VERBS}
    assert words >= {
        *("admin accounts", "admin lock", "admin unlock", "admin reset-login", "admin storage"),
        *("admin invite", "admin invites", "admin revoke"),
        *("doctor", "backup create", "backup verify", "backup restore"),
        *("serve", "database url", "signup", "login", "logout", "whoami", "recovery check"),
        *("group create", "group list", "group show", "group edit", "group delete"),
        *("invite create", "invite list", "invite revoke", "join", "members", "role", "transfer"),
        *("kick", "ban", "unban", "bans", "audit", "leave", "send", "read", "edit", "delete"),
        *("pin", "unpin", "pins"),
        *("react", "unreact", "download", "block", "unblock", "blocks"),
        *("trust", "verify", "people", "resume", "restored"),
        *("mute", "unmute", "mutes", "requests", "accept", "decline"),
        *("draft", "drafts", "avatar set", "avatar list", "avatar clear", "privacy"),
    }


@pytest.mark.parametrize(
    "words",
    [
        ["shout"],
        ["send", "club"],
        ["send", "club", "one", "two"],
        ["read", "club", "--limit", "1001"],
        ["read", "club", "--limit", "0"],
        ["edit", "club", "twelve", "text"],
        ["role", "club", "ana", "king"],
        ["invite", "create", "club", "--expires", "soon"],
        ["invite", "create", "club", "--max-uses", "0"],
        ["download", "club", "not-an-id"],
        ["group", "edit", "club"],
        ["group", "edit", "club", "--inviters", "friends"],
        ["group", "edit", "club", "--slow-mode", "slow"],
    ],
)
def test_wrong_usage_is_told_apart_from_a_refusal(nobody: Person, words: list[str]) -> None:
    spoken, written = nobody.run(*words), nobody.run(*words, "--json")
    assert (spoken.code, written.code) == (2, 2)
    assert (spoken.out, written.out) == ("", "")
    assert spoken.err.startswith("coterie: ")
    assert json.loads(written.err)["code"] == "usage"
    assert not nobody.home.exists(), "wrong words change nothing"


def test_who_has_no_account_is_told_what_to_do(nobody: Person) -> None:
    assert nobody.refused("whoami") == "not_signed_up"
    assert "coterie signup" in nobody.run("read", "club").err


def test_a_password_is_never_waited_for_without_a_terminal(nobody: Person) -> None:
    done = nobody.run("signup", "ana", "--server", "http://127.0.0.1:1", COTERIE_PASSWORD="")
    assert done.code == 2
    assert "COTERIE_PASSWORD" in done.err


def test_plain_http_beyond_this_machine_is_refused(nobody: Person) -> None:
    assert nobody.refused("signup", "ana", "--server", "http://example.org") == "insecure_server"


@pytest.mark.parametrize(
    "address",
    [
        "chat.example.org",
        "ftp://chat.example.org",
        "https://",
        "https://chat.example.org:port",
        "https://chat.example.org:99999",
        "https://chat..example.org",
        "https://[::1",
        "http://" + "x" * 300,
        "",
    ],
)
def test_a_mistyped_address_is_said_to_be_none(nobody: Person, address: str) -> None:
    assert nobody.refused("signup", "ana", "--server", address) == "bad_address"
    assert not (nobody.home / "errors.log").exists()


def test_a_data_folder_without_a_server_is_said_to_be_one(nobody: Person, tmp_path: Path) -> None:
    code = nobody.refused("database", "url", "--data", tmp_path)
    assert code == "postgres_unavailable"


def test_a_server_that_cannot_start_says_why(nobody: Person, tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data", "--port", 0)
    assert nobody.refused("serve", *data, "--host", "192.0.2.1") == "config_refused"
    proxies = ("--trusted-proxy", "10.0.0.1", "--trusted-proxy", "caddy")
    assert nobody.refused("serve", *data, *proxies) == "config_refused"
    done = nobody.run("serve", *data, "--database", "postgres//me:secret@host", "--json")
    assert (done.code, json.loads(done.err)["code"]) == (1, "cannot_serve")
    assert "secret" not in done.err


def test_what_nobody_foresaw_is_logged_and_shows_no_traceback(tmp_path: Path) -> None:
    """A profile that is no folder stands for every surprise."""
    home = tmp_path / "file"
    home.write_text("")
    done = Person("x", home).run("whoami")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1


def test_words_that_are_no_unicode_are_refused(nobody: Person) -> None:
    done = subprocess.run(
        [*COTERIE, b"send", b"club", b"\xff\xfe"],
        env=nobody.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"coterie: The arguments are not UTF-8.\n")


def test_a_reader_may_stop_reading(nobody: Person) -> None:
    """`coterie … | true` ends without a word."""
    writer = nobody.start("--help")
    assert writer.stdout
    writer.stdout.close()
    assert writer.wait(20) in (0, 1)
    assert writer.stderr
    with writer.stderr:
        assert writer.stderr.read() == ""


def test_help_does_not_wait_for_what_it_does_not_need() -> None:
    heavy = ["aiohttp", "cryptography", "nacl", "msgspec", "psycopg", "coterie.sdk.client"]
    script = (
        "import sys; from coterie.cli.program import run; run(['--help']);"
        f"sys.exit(' '.join(set({heavy}) & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=Person("x", Path()).environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@given(st.integers(1, 999_999), st.sampled_from("smhdw"))
def test_durations_are_read_as_typed(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}[unit]
    assert parse_duration(f"{number}{unit}") == timedelta(seconds=number * seconds)


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "1.5h", "7 days", "1d12h", "9999999s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_duration(text)


@given(st.text())
def test_no_text_steers_the_terminal(text: str) -> None:
    shown = plain(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)
    assert not set("\x7f\x80\x9b\x9f\u202e\u2066") & set(shown)
    assert "\n" not in one_line(text)


def test_emoji_and_scripts_stay_whole() -> None:
    for text in ("👩‍👩‍👧‍👦 ❤️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "שלום عليكم", "line\nbreak\ttab", "naïve café"):
        assert plain(text) == text


def test_a_message_from_a_provisional_device_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    message = Message(
        message_id=1,
        seq=1,
        sender="ana",
        text="hi",
        reply_to_id=None,
        created_at=datetime.now(UTC),
        provisional=True,
    )
    show_messages([message])
    assert "provisional device" in capsys.readouterr().out
    assert message_document(message)["provisional"] is True
