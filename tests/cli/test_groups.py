"""Groups and invite links."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.people import Club, Person, Served


def test_a_group_is_made_listed_changed_and_deleted(ana: Person, dora: Person) -> None:
    made = ana.does("group", "create", "Sailing", "--description", "Boats & tea")
    assert set(made) == {"group_id"}
    group_id = made["group_id"]
    assert group_id in [one["group_id"] for one in ana.does("group", "list")]
    shown = ana.does("group", "show", "Sailing")
    assert (shown["name"], shown["description"], shown["role"]) == (
        "Sailing",
        "Boats & tea",
        "owner",
    )
    assert (shown["history"], shown["inviters"]) == ("since_join", "moderators")
    ana.does("group", "edit", group_id, "--name", "Rowing", "--description", "")
    assert ana.does("group", "show", group_id)["name"] == "Rowing"

    assert dora.refused("group", "show", group_id) == "not_found", "to a stranger it is not there"
    ana.does("group", "delete", "Rowing")
    assert ana.refused("group", "show", group_id) == "not_found"


def test_who_may_invite_is_a_setting_of_the_owners_that_everybody_hears_of(club: Club) -> None:
    group_id = club.group_id
    club.bela.does("read", group_id)
    assert club.bela.refused("invite", "create", group_id) == "forbidden"
    assert club.bela.refused("group", "edit", group_id, "--inviters", "members") == "forbidden"
    club.ana.does("group", "edit", group_id, "--inviters", "members")
    told = club.bela.run("read", group_id)
    assert "note: ana has changed the rules of" in told.err
    assert "invite links by all members" in club.bela.run("group", "show", group_id).out
    club.bela.does("invite", "create", group_id)
    club.ana.does("group", "edit", group_id, "--inviters", "moderators")
    assert club.bela.does("group", "show", group_id)["inviters"] == "moderators"
    makers = [one["created_by"] for one in club.ana.does("invite", "list", group_id)]
    assert makers == ["ana"], "the link of who may make none any more is closed"


def test_slow_mode_is_set_shown_and_ended(club: Club) -> None:
    group_id = club.group_id
    assert club.bela.refused("group", "edit", group_id, "--slow-mode", "30s") == "forbidden"
    club.ana.does("group", "edit", group_id, "--slow-mode", "5m")
    assert club.bela.does("group", "show", group_id)["slow_mode_seconds"] == 300
    assert "slow mode: 0:05:00 between messages" in club.bela.run("group", "show", group_id).out
    club.bela.does("send", group_id, "one")
    assert club.bela.refused("send", group_id, "two") == "slow_mode"
    assert "You may send your next message in" in club.bela.run("send", group_id, "two").err
    club.ana.does("group", "edit", group_id, "--slow-mode", "off")
    assert club.bela.does("group", "show", group_id)["slow_mode_seconds"] == 0
    club.bela.does("send", group_id, "three")


def test_a_name_of_two_groups_is_refused_with_their_ids(ana: Person) -> None:
    ids = [ana.does("group", "create", "twins")["group_id"] for _ in range(2)]
    done = ana.run("members", "twins", "--json")
    error = json.loads(done.err)
    assert (done.code, error["code"]) == (1, "ambiguous_name")
    assert all(group_id in error["message"] for group_id in ids)
    assert len(ana.does("members", ids[0])) == 1


def test_members_are_listed_with_their_roles(club: Club) -> None:
    listed = club.bela.does("members", club.group_id)
    assert {one["username"]: one["role"] for one in listed} == {
        "ana": "owner",
        "bela": "member",
        "chen": "member",
    }
    assert all(set(one) == {"user_id", "username", "role"} for one in listed)


def test_a_link_lets_in_as_many_as_it_says(
    ana: Person, bela: Person, chen: Person, dora: Person
) -> None:
    group_id = ana.does("group", "create", "for two")["group_id"]
    invite = ana.does("invite", "create", group_id, "--expires", "7d", "--max-uses", "2")
    assert set(invite) == {"code", "link", "expires_at", "max_uses"}
    assert invite["max_uses"] == 2
    ends = datetime.fromisoformat(invite["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < ends <= timedelta(days=7)
    assert not invite["code"].startswith("-")

    assert bela.does("join", invite["link"]) == {"group_id": group_id, "name": "for two"}
    chen.does("join", "-", typed=invite["link"] + "\n")
    assert dora.refused("join", invite["link"]) == "invite_spent"
    assert chen.does("join", invite["link"])["group_id"] == group_id, "who is in, is in"
    listed = ana.does("invite", "list", group_id)
    assert [(one["code"], one["uses"]) for one in listed] == [(invite["code"], 2)]


def test_a_wrong_or_missing_secret_uses_nothing_up(ana: Person, dora: Person) -> None:
    group_id = ana.does("group", "create", "for one")["group_id"]
    link = ana.does("invite", "create", group_id, "--max-uses", "1")["link"]
    base, secret = link.split("#")
    assert dora.refused("join", base) == "bad_link"
    assert dora.refused("join", f"{base}#{secret[:-4]}") == "bad_link"
    assert dora.refused("join", f"{base}#{secret[::-1]}") in ("wrong_link_secret", "bad_link")
    assert dora.refused("join", "hello") == "bad_link"
    dora.does("join", link)


def test_a_revoked_link_is_closed(ana: Person, dora: Person) -> None:
    group_id = ana.does("group", "create", "closed")["group_id"]
    invite = ana.does("invite", "create", group_id)
    assert invite["expires_at"] is None
    assert invite["max_uses"] is None
    ana.does("invite", "revoke", group_id, invite["code"])
    assert dora.refused("join", invite["link"]) in ("not_found", "invite_spent")
    assert ana.does("invite", "list", group_id) == []


@pytest.mark.parametrize("name", ["-dash", "--json-like", "naïve 👍 club"])
def test_a_group_may_have_any_name(ana: Person, name: str) -> None:
    group_id = ana.does("group", "create", name)["group_id"]
    assert ana.does("group", "show", group_id)["name"] == name


def test_people_read_tables_and_programs_read_lines(club: Club, server: Served) -> None:
    shown = club.ana.run("members", club.group_id)
    assert shown.code == 0
    assert "\x1b" not in shown.out, "no colours where no terminal is"
    assert [line.split() for line in shown.out.splitlines()] == [
        ["Username", "Role"],
        ["ana", "owner"],
        ["bela", "member"],
        ["chen", "member"],
    ]
