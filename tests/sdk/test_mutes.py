"""Mute: what it brings is there, and asks for nothing; only this device knows."""

from datetime import timedelta

import pytest

from coterie.protocol.limits import MUTE_SECONDS
from coterie.sdk import Client
from coterie.sdk.clock import now
from coterie.sdk.errors import BadInput, NotFoundHere
from coterie.sdk.reading import total_of
from coterie.sdk.views import UnreadTotal
from tests.sdk.people import People, gather_in


async def shown(client: Client) -> dict[str, tuple[int, bool]]:
    return {one.conversation: (one.unread, one.muted) for one in await client.unread()}


async def test_what_is_muted_is_listed_and_not_counted(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send(club, "one")
    await anna.send(club, "two for @bela")
    await anna.send("@bela", "psst")
    await bela.mute(club)
    assert await shown(bela) == {"@anna": (1, False), "club": (2, True)}
    assert total_of(await bela.unread()) == UnreadTotal(unread=2, mentions=1)
    await bela.unmute(club)
    await bela.unmute(club)
    assert total_of(await bela.unread()) == UnreadTotal(unread=3, mentions=1)


async def test_it_ends_by_itself(anna: Client, bela: Client) -> None:
    """With nothing to wait for: the end is compared when somebody asks."""
    club = await gather_in("club", anna, bela)
    await anna.send(club, "one")
    muted = await bela.mute(club, timedelta(seconds=1))
    assert muted.until
    while now() < muted.until:
        await bela.groups()
    assert (await shown(bela), await bela.mutes()) == ({"club": (1, False)}, [])


async def test_other_processes_know_and_to_come_again_changes_nothing(
    anna: Client, bela: Client, people: People
) -> None:
    club = await gather_in("club", anna, bela)
    until = (await bela.mute(club, timedelta(hours=8))).until
    await bela.leave(club)
    await anna.sync()
    invite = await anna.create_invite(club)
    await bela.join(str(invite.link))
    assert [one.until for one in await people.again("bela").mutes()] == [until]


async def test_how_long_has_bounds(anna: Client) -> None:
    await anna.create_group("club")
    shortest, longest = (timedelta(seconds=seconds) for seconds in MUTE_SECONDS)
    for length in (shortest, longest):
        await anna.mute("club", length)
    for length in (timedelta(0), longest + shortest, timedelta.max):
        with pytest.raises(BadInput):
            await anna.mute("club", length)
    with pytest.raises(NotFoundHere):
        await anna.mute("another club")


async def test_the_store_tells_nobody(anna: Client, people: People) -> None:
    """Promise: what a person does not want to hear lies sealed on their device."""
    await anna.create_group("club")
    until = (await anna.mute("club", timedelta(hours=8))).until
    assert until
    files = [path for path in (people.homes / "anna").rglob("*") if path.is_file()]
    for path in files:
        assert until.isoformat().replace("+00:00", "").encode() not in path.read_bytes()
