"""Entering by a link: what is verified, what is spent, and what the joiner is told."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from coterie.protocol.errors import InviteSpent, NotFound, Refused
from coterie.protocol.links import InviteLink, new_code
from coterie.sdk import Client
from coterie.sdk.errors import BadLink, OtherServer, WrongLinkSecret
from coterie.server.app import running
from coterie.server.config import Config
from tests.sdk.people import People, gather_in, last, texts


async def test_a_wrong_secret_is_refused_and_spends_nothing(anna: Client, bela: Client) -> None:
    await anna.create_group("club")
    invite = await anna.create_invite("club", max_uses=1)
    wrong = InviteLink(invite.link.server, invite.link.code, bytes(32))
    with pytest.raises(WrongLinkSecret):
        await bela.join(str(wrong))
    for text in (str(invite.link).partition("#")[0], str(invite.link)[:-4], "club", ""):
        with pytest.raises(BadLink):
            await bela.join(text)
    assert (await anna.invites("club"))[0].uses == 0
    await bela.join(str(invite.link))


async def test_an_unknown_code_is_not_found(anna: Client) -> None:
    with pytest.raises(Refused) as caught:
        await anna.join(str(InviteLink(anna.server, new_code(), bytes(32))))
    assert isinstance(caught.value.refusal, NotFound)


async def test_a_link_of_this_server_under_another_address_is_taken(
    anna: Client, bela: Client
) -> None:
    await anna.create_group("club")
    link = (await anna.create_invite("club")).link
    other = InviteLink(link.server.replace("127.0.0.1", "localhost"), link.code, link.secret)
    assert (await bela.join(str(other))).name == "club"


async def test_a_link_to_another_server_says_so(
    anna: Client, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    config = Config(data=tmp_path / "other", port=0, database=make_database("chatapp"))
    async with running(config) as elsewhere:
        with pytest.raises(OtherServer, match="account"):
            await anna.join(str(InviteLink(elsewhere, new_code(), bytes(32))))


async def test_joining_twice_is_joining_once(anna: Client, bela: Client) -> None:
    await anna.create_group("club")
    for max_uses in (2, 1):
        invite = await anna.create_invite("club", max_uses=max_uses)
        first, second = await bela.join(str(invite.link)), await bela.join(str(invite.link))
        assert first == second, "also when that was the last use"
        assert (await anna.invites("club"))[0].uses == 1
        await anna.kick("club", "bela")
        await anna.revoke_invite("club", invite.code)


async def test_a_link_for_two_lets_in_exactly_two(people: People, anna: Client) -> None:
    await anna.create_group("club")
    link = str((await anna.create_invite("club", max_uses=2)).link)
    crowd = [await people.meet(f"guest{n}") for n in range(6)]
    outcomes = await asyncio.gather(*(one.join(link) for one in crowd), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(one, Refused) for one in refused)
    assert all(isinstance(one.refusal, InviteSpent) for one in refused if isinstance(one, Refused))
    assert len(await anna.members("club")) == 3
    inside = [c for c, one in zip(crowd, outcomes, strict=True) if not isinstance(one, Exception)]
    await inside[0].send("club", "made it")
    assert await texts(inside[1], "club") == await texts(anna, "club") == ["made it"]


async def test_a_joiner_is_warned_until_somebody_who_vouches_is_seen(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await chen.join(str((await anna.create_invite(club)).link))
    await bela.send(club, "hi")
    await chen.send(club, "is anybody there?")
    (warning,) = chen.pop_warnings()
    assert "vouches" in warning
    await anna.send(club, "I am")
    assert (await last(chen, club)).text == "I am"
    await chen.send(club, "ah, good")
    assert chen.pop_warnings() == []


async def test_the_chain_is_long_and_still_verified(anna: Client, bela: Client) -> None:
    """The link's anchor is many commits old by the time somebody comes."""
    club = await gather_in("club", anna)
    link = str((await anna.create_invite(club)).link)
    for n in range(12):
        await anna.update_group(club, name=f"club{n}")
    assert (await bela.join(link)).name == "club11"
    await bela.send("club11", "found you")
    assert await texts(anna, "club11") == ["found you"]
