"""Groups: made, entered, left and kept in order from the terminal."""

from collections.abc import AsyncGenerator

import pytest

from coterie.sdk import Client
from tests.sdk.people import People, gather_in
from tests.tui.window import Window, window


@pytest.fixture
async def annas(people: People, anna: Client) -> AsyncGenerator[Window]:
    async with window(people.homes / "anna") as opened:
        await opened.see("● connected")
        yield opened


async def test_a_group_is_made_and_others_enter_by_its_link(
    annas: Window, people: People, bela: Client
) -> None:
    await annas.see("Make a group with Ctrl+N")
    await annas.press("ctrl+n")
    await annas.type("Book club")
    await annas.press("enter")
    await annas.see("# Book club   1 member")
    await annas.press("shift+tab", "shift+tab", "i")
    await annas.see("An invite link that works…")
    await annas.press("enter")
    await annas.see("Invite link", "Copy (c)")
    await annas.press("c")
    await annas.see("Copied")
    link = annas.app.clipboard
    await annas.press("escape")
    async with window(people.homes / "bela") as belas:
        await belas.press("ctrl+l")
        await belas.paste(link)
        await belas.press("enter")
        await belas.see("# Book club   2 members")
    await annas.see("# Book club   2 members")


async def test_who_owns_a_group_may_remove_and_ban(
    annas: Window, anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await annas.see("# club")
    await annas.press("ctrl+r")
    await annas.see("anna", "owner", "bela", "chen")
    await annas.press("home")
    assert "k Remove" not in annas.text, "nobody removes themselves"
    await annas.press("down")
    await annas.see("k Remove", "b Ban")
    await annas.press("k")
    await annas.see("Remove bela?")
    await annas.press("y")
    await annas.see("# club   2 members")
    await annas.press("end", "b")
    await annas.see("Ban chen?")
    await annas.press("y")
    await annas.see("# club   1 member")
    assert [one.username for one in await anna.bans(club)] == ["chen"]


async def test_who_may_not_remove_is_offered_no_key(
    people: People, anna: Client, bela: Client
) -> None:
    await gather_in("club", anna, bela)
    async with window(people.homes / "bela") as belas:
        await belas.see("# club   2 members")
        await belas.press("ctrl+r", "home")
        await belas.see("owner", "Write to")
        assert "k Remove" not in belas.text
        assert "b Ban" not in belas.text


async def test_leaving_asks_first(people: People, anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    async with window(people.homes / "bela") as belas:
        await belas.see("# club   2 members")
        await belas.press("shift+tab", "shift+tab", "l")
        await belas.see("Leave club?")
        await belas.press("y")
        await belas.see("club (left)")
    assert [one.username for one in await anna.members(club)] == ["anna"]


async def test_writing_to_somebody_new_opens_a_conversation(
    annas: Window, anna: Client, bela: Client
) -> None:
    await annas.press("ctrl+k")
    await annas.type("@bela")
    await annas.see("Write to @bela")
    await annas.press("enter")
    await annas.see("Message @bela")
    await annas.type("psst")
    await annas.press("enter")
    await annas.see("@ bela", "psst")
    await annas.until(lambda: len(annas.timeline.messages) == 1)
    assert [one.text for one in await bela.read("@anna")] == ["psst"]


async def test_what_is_refused_is_said_and_a_click_takes_it_away(annas: Window) -> None:
    await annas.press("ctrl+l")
    await annas.type("no link")
    await annas.press("enter")
    await annas.see("an invite link looks like")
    await annas.pilot.click("Notice")
    await annas.see_no_more("an invite link looks like")
