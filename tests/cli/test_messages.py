"""Talking: every verb that a message knows."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.people import Club, Person

FIELDS = {
    *("message_id", "seq", "sender", "text", "reply_to_id", "created_at", "edited_at"),
    *("deleted_at", "files", "reactions", "mentions"),
}
ODD_TEXTS = [
    "-hello",
    "--hello",
    "-",
    "---",
    "--text=x",
    "-5 °C",
    " spaced ",
    "two\nlines",
    "👩‍👧 ❤️",
]


def _texts(messages: list[dict[str, Any]]) -> list[str | None]:
    return [message["text"] for message in messages]


def test_what_one_says_the_others_read(club: Club) -> None:
    sent = club.ana.does("send", club.group_id, "Hello, all")
    assert set(sent) == {"message_id", "seq"}
    [message] = club.bela.does("read", club.group_id)
    assert set(message) == FIELDS
    assert message["message_id"] == sent["message_id"]
    assert message["seq"] == sent["seq"]
    assert (message["sender"], message["text"]) == ("ana", "Hello, all")
    assert message["reply_to_id"] is message["edited_at"] is message["deleted_at"] is None


def test_texts_may_look_like_options(club: Club) -> None:
    for text in ODD_TEXTS:
        club.ana.does("send", club.group_id, text)
    assert _texts(club.bela.does("read", club.group_id)) == ODD_TEXTS
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    read = club.bela.does("read", club.group_id, **ascii_only)
    assert _texts(read) == ODD_TEXTS, "JSON is UTF-8 wherever it is written"


def test_options_may_stand_anywhere(club: Club) -> None:
    first = club.ana.does("send", club.group_id, "first")["message_id"]
    lines = [
        ["send", "--reply-to", first, club.group_id, "-1"],
        ["send", club.group_id, "--reply-to", first, "-2"],
        ["send", club.group_id, "-3", "--reply-to", first],
        ["send", "--reply-to", first, "--", club.group_id, "-4"],
        ["send", "--reply-to", first, club.group_id, "--", "--json"],
    ]
    for line in lines[:-1]:
        club.ana.does(*line)
    assert club.ana.run(*lines[-1]).code == 0
    read = club.bela.does("read", club.group_id)
    assert _texts(read) == ["first", "-1", "-2", "-3", "-4", "--json"]
    assert [message["reply_to_id"] for message in read] == [None, *[first] * 5]


def test_a_message_is_edited_and_deleted(club: Club) -> None:
    ids = [club.ana.does("send", club.group_id, text)["message_id"] for text in ("helo", "oops")]
    club.ana.does("edit", club.group_id, ids[0], "-hello-")
    club.ana.does("delete", club.group_id, ids[1])
    edited, deleted = club.bela.does("read", club.group_id)
    assert (edited["text"], edited["message_id"]) == ("-hello-", ids[0])
    assert edited["edited_at"] is not None
    assert deleted["text"] is None
    assert deleted["deleted_at"] is not None
    assert club.bela.refused("edit", club.group_id, ids[0], "mine") in ("forbidden", "bad_target")
    assert club.bela.refused("delete", club.group_id, ids[0]) in ("forbidden", "bad_target")


def test_reactions_are_counted_once_and_shown_as_sent(club: Club) -> None:
    message_id = club.ana.does("send", club.group_id, "cake?")["message_id"]
    for person, emoji in ((club.bela, "❤️"), (club.chen, "❤️"), (club.chen, "👍🏽")):
        person.does("react", club.group_id, message_id, emoji)
    assert club.bela.run("react", club.group_id, message_id, "❤️").code == 0, "a repeat is no error"
    [message] = club.ana.does("read", club.group_id)
    assert {one["emoji"]: sorted(one["users"]) for one in message["reactions"]} == {
        "❤️": ["bela", "chen"],
        "👍🏽": ["chen"],
    }
    assert "❤️ bela, chen" in club.ana.run("read", club.group_id).out
    club.chen.does("unreact", club.group_id, message_id, "❤️")
    [message] = club.ana.does("read", club.group_id)
    assert {one["emoji"]: one["users"] for one in message["reactions"]} == {
        "❤️": ["bela"],
        "👍🏽": ["chen"],
    }
    assert club.bela.refused("react", club.group_id, message_id, "hello") == "unknown_emoji"


def test_what_is_pinned_is_listed_with_who_pinned_it(club: Club) -> None:
    sent = club.bela.does("send", club.group_id, "the rules")["message_id"]
    assert club.bela.does("pins", club.group_id) == []
    assert "No message is pinned." in club.bela.run("pins", club.group_id).out
    assert club.bela.refused("pin", club.group_id, sent) == "forbidden"
    assert club.ana.does("pin", club.group_id, sent) == {"message_id": sent}
    [pinned] = club.bela.does("pins", club.group_id)
    assert set(pinned) == FIELDS | {"pinned_by", "pinned_at", "pinned"}
    assert (pinned["text"], pinned["pinned_by"]) == ("the rules", "ana")
    shown = club.bela.run("pins", club.group_id).out
    assert "pinned by ana" in shown
    assert "the rules" in shown
    assert club.ana.does("unpin", club.group_id, sent) == {"message_id": sent}
    assert club.bela.does("pins", club.group_id) == []


def test_reading_goes_back_page_by_page(club: Club) -> None:
    ids = [club.ana.does("send", club.group_id, f"{n}")["message_id"] for n in range(5)]
    newest = club.bela.does("read", club.group_id, "--limit", 2)
    older = club.bela.does("read", club.group_id, "--limit", 2, "--before", ids[3])
    assert _texts(newest) == ["3", "4"]
    assert _texts(older) == ["1", "2"]


def test_files_travel_with_their_names(club: Club, tmp_path: Path) -> None:
    contents = {"Plan für Mai.pdf": os.urandom(100_000), "-dash.txt": b"x", "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [word for name in contents for word in ("--file", tmp_path / name)]
    club.ana.does("send", club.group_id, "three files", *paths)
    [message] = club.bela.does("read", club.group_id)
    assert {one["name"]: one["size_bytes"] for one in message["files"]} == {
        name: len(content) for name, content in contents.items()
    }
    assert all(
        set(one) == {"file_id", "name", "size_bytes", "mime_type"} for one in message["files"]
    )
    plan = message["files"][0]
    assert plan["mime_type"] == "application/pdf"

    out = tmp_path / "copy.pdf"
    club.bela.does("download", club.group_id, plan["file_id"], "--out", out)
    assert out.read_bytes() == contents[plan["name"]]
    here = tmp_path / "here"
    here.mkdir()
    saved = club.chen.does("download", club.group_id, message["files"][1]["file_id"], cwd=here)
    assert [path.name for path in here.iterdir()] == ["dash.txt"], "no name begins with a dash"
    assert saved["size_bytes"] == 1


def test_what_cannot_be_sent_sends_nothing(club: Club, tmp_path: Path) -> None:
    missing = club.ana.refused("send", club.group_id, "x", "--file", tmp_path / "missing")
    assert missing == "file_error"
    assert club.ana.refused("send", club.group_id, "x", "--file", tmp_path) == "file_error"
    many = [word for _ in range(11) for word in ("--file", __file__)]
    assert club.ana.refused("send", club.group_id, "x", *many) == "malformed"
    assert club.ana.refused("send", club.group_id, " ") == "malformed"
    assert club.ana.refused("send", club.group_id, "x" * 100_000) == "entry_too_large"
    assert club.ana.refused("send", club.group_id, "x", "--reply-to", 2**30) == "not_found"
    assert club.bela.does("read", club.group_id) == []


def test_the_human_form_is_calm(club: Club, tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"x" * 2_000)
    first = club.ana.does("send", club.group_id, "a map", "--file", tmp_path / "map.png")
    club.bela.does(
        "send", club.group_id, "red \x1b[31malert\u202e", "--reply-to", first["message_id"]
    )
    done = club.chen.run("read", club.group_id)
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    lines = done.out.splitlines()
    assert lines[0].startswith("ana  ")
    assert lines[1] == "  a map"
    assert "map.png  2.0 kB" in lines[2]
    assert f"answers #{first['message_id']}" in lines[3]
    assert lines[4] == "  red [31malert"


@pytest.mark.timeout(120)
def test_following_shows_each_change_and_ends_calmly(club: Club) -> None:
    message_id = club.ana.does("send", club.group_id, "before")["message_id"]
    follower = club.bela.start("read", club.group_id, "--follow", "--json")
    seen = _next(follower)
    assert seen["text"] == "before"
    club.ana.does("send", club.group_id, "after")
    assert _until(follower, text="after")["sender"] == "ana"
    club.ana.does("edit", club.group_id, message_id, "changed")
    assert _until(follower, text="changed")["message_id"] == message_id
    club.chen.does("react", club.group_id, message_id, "🎉")
    reacted = _until(follower, reactions=[{"emoji": "🎉", "users": ["chen"]}])
    assert reacted["message_id"] == message_id
    follower.send_signal(signal.SIGINT)
    _, errors = follower.communicate(timeout=20)
    assert follower.returncode == 0, errors
    assert errors == ""


@pytest.mark.timeout(180)
def test_one_profile_is_used_by_many_at_once(club: Club) -> None:
    """A follower beside twenty senders, in as many processes."""
    follower = club.ana.start("read", club.group_id, "--follow", "--json")
    senders = [club.ana.start("send", club.group_id, f"{n}", "--json") for n in range(20)]
    for sender in senders:
        _, errors = sender.communicate(timeout=120)
        assert sender.returncode == 0, errors
    seen = set[str]()
    while len(seen) < 20:
        seen.add(_next(follower)["text"])
    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=20)
    assert sorted(_texts(club.bela.does("read", club.group_id)), key=str) == sorted(seen)


def test_two_people_talk_directly(chen: Person, dora: Person) -> None:
    first = chen.does("send", "@dora", "psst")["message_id"]
    [message] = dora.does("read", "@chen")
    assert (message["text"], message["sender"]) == ("psst", "chen")
    dora.does("send", "@chen", "yes?", "--reply-to", first)
    assert _texts(chen.does("read", "@dora")) == ["psst", "yes?"]
    assert dora.does("people") == [{"user_id": chen.does("whoami")["user_id"], "username": "chen"}]

    dora.does("block", "@chen")
    assert [one["username"] for one in dora.does("blocks")] == ["chen"]
    assert chen.refused("send", "@dora", "hello?") == "blocked"
    dora.does("unblock", "chen")
    assert dora.does("blocks") == []
    chen.does("send", "@dora", "hello again")
    assert _texts(dora.does("read", "@chen")) == ["psst", "yes?", "hello again"]
    assert chen.refused("send", "@nobody.there", "hello") == "not_found"


def _next(follower: "subprocess.Popen[str]") -> dict[str, Any]:
    import json

    assert follower.stdout
    line = follower.stdout.readline()
    assert line, "the follower ended"
    return json.loads(line)


def _until(follower: "subprocess.Popen[str]", **wanted: object) -> dict[str, Any]:
    """The next message with these fields."""
    while True:
        message = _next(follower)
        if message.items() >= wanted.items():
            return message
