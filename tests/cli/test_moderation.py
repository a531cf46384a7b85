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
    club.ana.does("unban", group_id, "chen", "--reason", "served")
    assert club.ana.does("bans", group_id) == []
    lifted, banned = club.bela.does("audit", group_id, "--limit", "2")
    assert (lifted["act"], lifted["actor"], lifted["reason"]) == ("unban", "ana", "served")
    assert (banned["act"], banned["target"], banned["reason"]) == ("ban", "chen", "-rude-")
    [role] = club.bela.does("audit", group_id, "--limit", "1", "--before", banned["audit_id"])
    assert (role["act"], role["detail"]) == ("set_role", "moderator")
    shown = club.bela.run("audit", group_id).out.splitlines()
    assert shown[0].split() == ["Id", "When", "Who", "What", "To", "About", "Reason"]
    assert shown[1].split()[3:] == ["ana", "unban", "chen", "served"]
    assert club.chen.refused("audit", group_id) == "not_found"
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
    assert club.chen.refused("audit", club.group_id) == "forbidden"
    reasons = [one["reason"] for one in club.ana.does("audit", club.group_id)]
    assert "spam" in reasons


def test_a_deletion_by_rank_may_say_why(club: Club) -> None:
    sent = club.bela.does("send", club.group_id, "rude")["message_id"]
    club.ana.does("delete", club.group_id, sent, "--reason", "no insults")
    [newest] = club.ana.does("audit", club.group_id, "--limit", "1")
    assert (newest["act"], newest["message_id"], newest["reason"]) == (
        *("delete_message", sent, "no insults"),
    )


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
