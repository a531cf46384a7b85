"""The everyday between people: each test has people of its own, for what they see of each other."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.cli.people import Club, Person, Served

_numbers = count(1)
NewPerson = Callable[[str], Person]


@pytest.fixture
def new_person(server: Served, tmp_path: Path) -> NewPerson:
    """Signs somebody up whose name begins so."""

    def meet(name: str) -> Person:
        username = f"{name}.{next(_numbers)}"
        person = Person(username, tmp_path / username)
        person.sign_up(server.url)
        return person

    return meet


def test_one_writes_notes_to_oneself(new_person: NewPerson) -> None:
    emil = new_person("emil")
    me = f"@{emil.name}"
    sent = emil.does("send", me, "Remember the milk")
    emil.does("edit", me, sent["message_id"], "Remember the bread")
    assert [one["text"] for one in emil.does("read", me)] == ["Remember the bread"]
    assert [one["username"] for one in emil.does("people")] == [emil.name]
    assert emil.does("unread") == []


def test_mentions_are_shown_and_counted_apart(club: Club) -> None:
    club.bela.does("read", club.group_id)
    club.ana.does("send", club.group_id, "hello")
    club.ana.does("send", club.group_id, "@bela, and @nobody: cake?")
    [unread] = [one for one in club.bela.does("unread") if one["conversation_id"] == club.group_id]
    assert (unread["unread"], unread["mentions"]) == (2, 1)
    plain, cake = club.bela.does("read", club.group_id)
    user_id = club.bela.does("whoami")["user_id"]
    assert cake["mentions"] == [{"user_id": user_id, "username": "bela"}]
    assert cake["mentions_you"] is True
    assert (plain["mentions"], "mentions_you" in plain) == ([], False)
    assert club.bela.run("read", club.group_id).out.count("mentions you") == 1
    assert club.ana.run("read", club.group_id).out.count("mentions you") == 0


def test_what_is_muted_counts_only_by_mentions(club: Club) -> None:
    club.bela.does("read", club.group_id)
    before = club.bela.does("unread", "--total")
    club.ana.does("send", club.group_id, "hello")
    club.ana.does("send", club.group_id, "@bela, hello")
    muted = club.bela.does("mute", club.group_id, "--for", "8h")
    assert [one["until"] for one in club.bela.does("mutes")] == [muted["until"]]
    [unread] = [one for one in club.bela.does("unread") if one["conversation_id"] == club.group_id]
    assert (unread["unread"], unread["mentions"], unread["muted"]) == (2, 1, True)
    after = club.bela.does("unread", "--total")
    assert after == {"unread": before["unread"] + 1, "mentions": before["mentions"] + 1}
    assert "muted" in club.bela.run("unread").out
    club.bela.does("unmute", club.group_id)
    assert club.bela.does("mutes") == []
    assert club.bela.refused("mute", club.group_id, "--for", "999999w") == "malformed"
    assert club.bela.run("mute", club.group_id, "--for", "soon").code == 2
    assert club.bela.refused("mute", "no such group") == "not_found"


def test_strangers_only_ask(new_person: NewPerson) -> None:
    emil, fay = new_person("emil"), new_person("fay")
    emil.does("send", f"@{fay.name}", "Buy my book")
    assert (fay.does("people"), fay.does("unread")) == ([], [])
    [asked] = fay.does("requests")
    assert (asked["username"], asked["messages"]) == (emil.name, 1)
    assert [one["text"] for one in fay.does("read", f"@{emil.name}")] == ["Buy my book"]
    fay.does("decline", emil.name)
    assert emil.refused("send", f"@{fay.name}", "Please") == "blocked"
    assert (fay.does("people"), fay.does("requests")) == ([], [])
    fay.does("accept", f"@{emil.name}")
    emil.does("send", f"@{fay.name}", "Thank you")
    assert [one["username"] for one in fay.does("people")] == [emil.name]
    assert fay.refused("accept", emil.name) == "not_found"
    assert fay.refused("decline", emil.name) == "not_found"


def test_what_is_begun_is_kept(club: Club) -> None:
    club.bela.does("draft", club.group_id, "Dear")
    club.bela.does("draft", club.group_id, "-", typed="Dear all,\n-- b")
    assert club.bela.does("draft", club.group_id)["text"] == "Dear all,\n-- b"
    [begun] = club.bela.does("drafts")
    assert (begun["conversation_id"], begun["text"]) == (club.group_id, "Dear all,\n-- b")
    club.bela.does("draft", club.group_id, "")
    assert club.bela.does("drafts") == []
    assert club.bela.refused("draft", "no such group", "hello") == "not_found"
