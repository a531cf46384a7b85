"""Comparing safety numbers, and settling whose a changed identity is, at the command line."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace

from coterie.governance.signatures import new_key
from coterie.protocol.commands import ListMembers, Members
from tests.cli.people import Club, Person, Served
from tests.sdk.proxy import Liar, running_proxy


@pytest.fixture
async def liar(server: Served) -> AsyncGenerator[Liar]:
    async with running_proxy(server.url) as running:
        yield running


def test_two_compare_their_number(ana: Person, bela: Person) -> None:
    number = ana.does("verify", "@bela")["number"]
    assert bela.does("verify", "ana") == {"username": "ana", "number": number, "verified": False}
    spoken = ana.run("verify", "bela").out
    assert spoken.splitlines()[0] == "bela, not compared yet:"
    assert spoken.split()[-12:] == number.split()
    assert ana.refused("verify", "bela", "--code", "1" * 60) == "wrong_safety_number"
    assert ana.does("verify", "bela", "--code", number)["verified"] is True
    assert ana.run("verify", "bela").out.startswith("bela, verified:")


def test_nothing_is_accepted_unseen(ana: Person, club: Club) -> None:
    for words in (["trust", "bela"], ["trust", "bela", "--code", "1" * 60]):
        assert ana.refused(*words) == "not_found"
    assert ana.run("trust", "bela", "--keep", "--code", "1").code == 2


async def test_a_changed_identity_is_shown_before_it_is_accepted(
    liar: Liar, club: Club, tmp_path: Path
) -> None:
    kim = Person(f"kim{uuid4().hex[:8]}", tmp_path / "kim")
    key = new_key()[1]

    def forge(true: Members, _: dict[str, str]) -> Members:
        changed = [
            replace(one, identity_key=key) if one.username == "bela" else one
            for one in true.members
        ]
        return replace(true, members=changed)

    def settle() -> None:
        kim.sign_up(liar[1])
        link = club.ana.does("invite", "create", club.group_id)["link"]
        kim.does("join", link)
        kim.does("members", club.group_id)
        liar[0].forge(ListMembers, forge)
        kim.does("members", club.group_id)
        assert kim.refused("send", club.group_id, "hello") == "identity_changed"
        shown = kim.does("trust", "bela")
        assert shown["number"] != kim.does("verify", "bela")["number"]
        assert shown["number"].split() == kim.run("trust", "bela").out.split()[-12:]
        assert kim.refused("send", club.group_id, "hello") == "identity_changed", "only shown"
        assert kim.refused("trust", "bela", "--code", "1" * 60) == "wrong_safety_number"
        kim.does("trust", "bela", "--code", shown["number"])
        assert kim.does("verify", "bela")["number"] == shown["number"]

    await asyncio.to_thread(settle)
