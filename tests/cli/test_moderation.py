"""Roles, kicks, bans, leaving, handing over."""

from tests.cli.people import Club


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
