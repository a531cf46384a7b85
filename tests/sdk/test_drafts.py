"""Drafts: begun, not sent, and nobody else's."""

import pytest

from coterie.protocol.limits import ENTRY_BYTES
from coterie.sdk import Client
from coterie.sdk.errors import BadInput, NotFoundHere
from tests.sdk.people import People, gather_in, texts
from tests.sdk.proxy import Proxy


async def kept(client: Client) -> dict[str, str]:
    return {one.conversation: one.text for one in await client.drafts()}


async def test_a_draft_is_kept_until_it_is_sent(anna: Client, people: People) -> None:
    await anna.create_group("club")
    await anna.send("@anna", "note")
    await anna.keep_draft("club", "Dear")
    await anna.keep_draft("club", "Dear all")
    await anna.keep_draft("@anna", "milk")
    again = people.again("anna")
    assert await kept(again) == {"@anna": "milk", "club": "Dear all"}
    assert await again.draft("club") == "Dear all"
    await anna.send("club", "something else")
    assert await again.draft("club") == "Dear all"
    await anna.send("club", "Dear all")
    assert await again.draft("club") is None
    await anna.keep_draft("@anna", "")
    assert await kept(again) == {}
    assert await texts(anna, "club") == ["something else", "Dear all"]


async def test_to_come_again_loses_none(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await bela.keep_draft(club, "I am off")
    await bela.leave(club)
    await anna.sync()
    invite = await anna.create_invite(club)
    await bela.join(str(invite.link))
    assert await bela.draft(club) == "I am off"


async def test_the_server_hears_nothing_of_it_and_the_disk_shows_nothing(
    people: People, liar: tuple[Proxy, str]
) -> None:
    """Promise: what is not sent stays on the device, sealed."""
    proxy, url = liar
    anna = await people.meet("anna", server=url)
    await anna.create_group("club")
    proxy.asked.clear()
    await anna.keep_draft("club", "unspeakable words")
    assert (await anna.draft("club"), proxy.asked) == ("unspeakable words", [])
    for path in (people.homes / "anna").rglob("*"):
        assert path.is_dir() or b"unspeakable" not in path.read_bytes()


async def test_what_is_no_draft_is_refused(anna: Client) -> None:
    await anna.create_group("club")
    await anna.keep_draft("club", "ä" * (ENTRY_BYTES // 2))
    with pytest.raises(BadInput, match=str(ENTRY_BYTES)):
        await anna.keep_draft("club", "ä" * (ENTRY_BYTES // 2) + "x")
    assert await anna.draft("club") == "ä" * (ENTRY_BYTES // 2)
    with pytest.raises(NotFoundHere):
        await anna.keep_draft("no such group", "hello")
