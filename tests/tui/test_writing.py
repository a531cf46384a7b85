"""What a person says: it appears at once, arrives in order, and is not lost when it cannot."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from coterie.protocol.commands import SendMessage
from coterie.sdk import Client
from coterie.tui.drafts import Fate
from tests.sdk.people import People, gather_in, texts
from tests.sdk.proxy import Dropped, Proxy, running_proxy
from tests.tui.window import Window, window


async def test_enter_sends_and_several_lines_arrive_in_order(
    belas: Window, club: str, anna: Client
) -> None:
    await belas.type("first\nsecond line")
    await belas.press("enter")
    await belas.type("then this")
    await belas.press("enter")
    await belas.see("then this")
    await belas.until(lambda: len(belas.timeline.messages) == 2)
    assert await texts(anna, club) == ["first\nsecond line", "then this"]
    await belas.press("enter")
    await belas.type("  ")
    await belas.press("enter")
    await belas.type("not empty")
    await belas.press("enter")
    await belas.until(lambda: len(belas.timeline.messages) == 3)
    assert (await texts(anna, club))[2].strip() == "not empty"  # pyright: ignore[reportOptionalMemberAccess]


async def test_an_answer_and_an_edit_are_announced_and_esc_leaves_them(
    belas: Window, club: str, anna: Client
) -> None:
    one = await anna.send(club, "shall we?")
    await belas.see("shall we?")
    await belas.press("up", "r")
    await belas.see("Reply to anna: shall we?")
    await belas.press("escape")
    await belas.see_no_more("Reply to anna")
    await belas.press("up", "r")
    await belas.type("yes")
    await belas.press("enter")
    await belas.see("┃ anna shall we?")
    await belas.until(lambda: len(belas.timeline.messages) == 2)
    answer = (await anna.read(club))[-1]
    assert (answer.text, answer.reply_to_id) == ("yes", one.message_id)
    await belas.press("up", "end", "e")
    await belas.see("Editing: yes")
    await belas.type(", let us")
    await belas.press("enter")
    await belas.see("yes, let us", "edited")
    assert (await texts(anna, club))[-1] == "yes, let us"


async def test_files_go_with_a_message_and_are_saved_again(
    belas: Window, club: str, anna: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "minutes.txt").write_text("what was said")
    await belas.press("ctrl+o")
    await belas.type("ins")
    await belas.see("inside/")
    await belas.press("tab")
    await belas.type("min")
    await belas.see("inside/minutes.txt")
    await belas.press("tab", "enter")
    await belas.see("📎 minutes.txt")
    await belas.press("enter")
    await belas.see("📎 minutes.txt  13 bytes")
    await belas.until(lambda: len(belas.timeline.messages) == 1)
    await belas.press("up", "s")
    await belas.see("Save minutes.txt")
    await belas.press("ctrl+u")
    await belas.type("saved.txt")
    await belas.press("enter")
    await belas.see("Saved as")
    assert (tmp_path / "saved.txt").read_text() == "what was said"


async def test_reactions_are_found_by_name_and_taken_back_the_same_way(
    belas: Window, club: str, anna: Client
) -> None:
    await anna.send(club, "it works")
    await belas.see("it works")
    for seen in (True, False):
        await belas.press("up", "plus")
        await belas.type("party popper")
        await belas.see("🎉")
        await belas.press("enter")
        await belas.until(lambda: belas.app.screen is belas.chat)
        await (belas.see if seen else belas.see_no_more)("🎉 1")


async def test_deleting_asks_first(belas: Window, club: str, anna: Client) -> None:
    await belas.type("oops")
    await belas.press("enter")
    await belas.until(lambda: len(belas.timeline.messages) == 1)
    await belas.press("up", "d")
    await belas.see("Delete this message?")
    await belas.press("n")
    await belas.until(lambda: belas.app.screen is belas.chat)
    assert await texts(anna, club) == ["oops"], "no means no"
    await belas.press("d")
    await belas.see("Delete this message?")
    await belas.press("y")
    await belas.see("deleted")
    assert await texts(anna, club) == [None]


async def test_who_may_not_change_a_message_is_offered_no_key(
    belas: Window, club: str, anna: Client
) -> None:
    await anna.send(club, "mine")
    await belas.see("mine")
    await belas.press("up")
    await belas.see("r Reply")
    assert "e Edit" not in belas.text
    assert "d Delete" not in belas.text
    await belas.press("d", "e")
    assert belas.app.screen is belas.chat


async def drop() -> None:
    raise Dropped


@pytest.fixture
async def dora(people: People, server: str) -> AsyncGenerator[tuple[Client, Proxy]]:
    """Whose server can be made to refuse."""
    async with running_proxy(server) as (proxy, url):
        yield await people.meet("dora", server=url), proxy


async def test_what_fails_can_be_tried_again_or_dropped(
    belas: Window, club: str, anna: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("here it is", "never mind"):
        await belas.press("ctrl+o")
        await belas.see("Attach a file")
        await belas.paste("plan.txt")
        await belas.press("enter")
        await belas.see("📎 plan.txt")
        await belas.type(text)
        await belas.press("enter")
        await belas.see(text, "not sent", "No such file", "Enter tries again")
        if text == "here it is":
            (tmp_path / "plan.txt").write_text("the plan")
            await belas.press("up", "end", "enter")
            await belas.until(lambda: len(belas.timeline.messages) == 1)
            await belas.see_no_more("not sent")
            (tmp_path / "plan.txt").unlink()
            await belas.press("escape")
    await belas.press("up", "end", "d")
    await belas.see_no_more("never mind")
    assert await texts(anna, club) == ["here it is"]


async def test_what_nobody_confirmed_stands_there_until_it_has_arrived(
    people: People, anna: Client, dora: tuple[Client, Proxy]
) -> None:
    client, proxy = dora
    club = await gather_in("club", anna, client)
    async with window(people.homes / "dora") as opened:
        await opened.see("# club   2 members")
        proxy.before(SendMessage, drop)
        await opened.type("hello")
        await opened.press("enter")
        await opened.see("hello", "not confirmed")
        proxy.be_honest()
        await client.sync()  # as the window does when the server is there again
        await opened.press("alt+down")
        await opened.see_no_more(Fate.UNCONFIRMED.value)
    assert await texts(anna, club) == ["hello"], "once"


async def test_what_was_begun_is_there_when_one_comes_back(
    belas: Window, club: str, anna: Client, people: People
) -> None:
    await gather_in("garden", anna, people.again("bela"))
    await belas.see("# garden")
    await belas.type("half a sent")
    await belas.press("alt+up")
    await belas.see("# garden   2 members")
    assert "half a sent" not in belas.text
    await belas.press("alt+down")
    await belas.see("# club   2 members", "half a sent")
