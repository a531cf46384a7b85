"""Roles, kicks, bans, leaving, handing over."""

import asyncio

from coterie.sdk.content import Head
from tests.cli.people import Club
from tests.sdk.people import tell


def _roles(club: Club) -> dict[str, str]:
    listed = club.ana.does("members", club.group_id)
    return {one["username"]: one["role"] for one in listed}


def test_a_moderator_bans_and_the_banned_stays_out(club: Club) -> None:
    group_id = club.group_id
    link = club.ana.does("invite", "create", group_id)["link"]
    assert club.chen.refused("ban", group_id, "bela") == "forbidden"
    club.ana.does("role", group_id, "@bela", "moderator")
    assert _roles(club)["bela"] == "moderator"
    assert club.bela.refused("ban", group_id, "ana") == "forbidden"

    club.bela.does("send", group_id, "last warning")
    club.bela.does("ban", group_id, "chen", "--reason", "-rude-")
    club.ana.does("send", group_id, "quiet at last")
    assert club.chen.refused("send", group_id, "hey") == "not_found"
    assert club.chen.refused("join", link) in ("not_found", "forbidden", "invite_spent")
    texts = [one["text"] for one in club.bela.does("read", group_id)]
    assert texts == ["last warning", "quiet at last"]

    [ban] = club.ana.does("bans", group_id)
    assert (ban["username"], ban["banned_by"], ban["reason"]) == ("chen", "bela", "-rude-")
    club.ana.does("unban", group_id, "chen")
    assert club.ana.does("bans", group_id) == []
    club.chen.does("join", club.ana.does("invite", "create", group_id)["link"])
    club.ana.does("send", group_id, "welcome back")
    assert [one["text"] for one in club.chen.does("read", group_id)][-1] == "welcome back"


def test_who_is_kicked_may_come_back(club: Club) -> None:
    assert club.chen.refused("kick", club.group_id, "bela") == "forbidden"
    club.ana.does("kick", club.group_id, "chen", "--reason", "spam")
    assert "chen" not in _roles(club)
    assert club.chen.refused("send", club.group_id, "hey") == "not_found"
    club.chen.does("join", club.ana.does("invite", "create", club.group_id)["link"])
    assert _roles(club)["chen"] == "member"


def test_an_owner_hands_over_and_leaves(club: Club) -> None:
    assert club.ana.refused("leave", club.group_id) == "owner_must_transfer"
    club.ana.does("transfer", club.group_id, "bela")
    assert _roles(club) == {"ana": "admin", "bela": "owner", "chen": "member"}
    club.ana.does("leave", club.group_id)
    club.bela.does("send", club.group_id, "ana is gone")
    listed = club.bela.does("members", club.group_id)
    assert sorted(one["username"] for one in listed) == ["bela", "chen"]
    assert [one["text"] for one in club.chen.does("read", club.group_id)] == ["ana is gone"]


def test_a_different_history_is_looked_into_and_set_aside(club: Club) -> None:
    """Bela's own client tells of a chain that nobody else has."""
    seq = club.ana.does("send", club.group_id, "hello")["seq"]
    club.bela.does("read", club.group_id)
    asyncio.run(tell(club.bela.home, club.group_id, Head(seq, bytes(32))))
    assert club.chen.refused("resume", club.group_id, "bela") == "not_found"
    assert club.chen.refused("send", club.group_id, "no") == "fork_detected"
    assert f"coterie resume {club.group_id} bela" in club.chen.run("read", club.group_id).err
    before = club.chen.run("group", "show", club.group_id).out
    assert f"bela tells of another history, up to entry {seq}: sending has stopped" in before
    assert club.chen.does("resume", club.group_id, "@bela") == {"username": "bela"}
    club.chen.does("send", club.group_id, "on we go")
    [fork] = club.chen.does("group", "show", club.group_id)["forks"]
    assert (fork["told_by"], fork["seq"], fork["accepted"]) == ("bela", seq, True)
