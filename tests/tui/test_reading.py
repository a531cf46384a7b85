"""What a person sees: messages as they stand, as they come and change, however many there are."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult

from coterie.sdk import Client
from coterie.sdk.views import Message
from coterie.tui.message_lines import day_name
from coterie.tui.screens.chat import PAGE
from coterie.tui.themes import DARK
from coterie.tui.widgets.conversation_list import ConversationList
from coterie.tui.widgets.timeline import Timeline
from tests.sdk.people import People, gather_in
from tests.tui.window import Window, window


@pytest.fixture
async def club(anna: Client, bela: Client, chen: Client) -> str:
    return await gather_in("Book club", anna, bela, chen)


@pytest.fixture
async def belas(people: People, club: str) -> AsyncGenerator[Window]:
    """Bela's window, with the club open."""
    async with window(people.homes / "bela") as opened:
        await opened.see("# Book club   3 members", "● connected")
        yield opened


async def test_messages_come_change_and_go_while_one_looks(
    belas: Window, club: str, anna: Client, chen: Client, tmp_path: Path
) -> None:
    (tmp_path / "minutes.pdf").write_bytes(bytes(12_345))
    one = await anna.send(club, "Morning, all")
    await belas.see("Today", "anna", "Morning, all")
    two = await chen.send(
        club, "Here they are", reply_to=one.message_id, files=[tmp_path / "minutes.pdf"]
    )
    await belas.see("chen", "┃ anna Morning, all", "📎 minutes.pdf  12.3 kB")
    await anna.react(club, two.message_id, "🎉")
    await chen.react(club, two.message_id, "🎉")
    await belas.see("🎉 2")
    await anna.edit(club, one.message_id, "Good morning")
    await belas.see("Good morning", "edited", "┃ anna Good morning")
    await chen.delete(club, two.message_id)
    await belas.see("deleted")
    await belas.see_no_more("Here they are", "minutes.pdf", "🎉")


async def test_what_is_seen_is_read_and_what_comes_elsewhere_is_counted(
    belas: Window, club: str, anna: Client, people: People
) -> None:
    await anna.send(club, "one")
    await belas.see("one")
    await belas.until(lambda: _unread(belas) == 0)
    assert await people.again("bela").unread() == []
    garden = await gather_in("garden", anna, people.again("bela"))
    for text in ("seeds", "soil"):
        await anna.send(garden, text)
    await belas.see("# garden")
    await belas.until(lambda: _unread(belas) == 2)
    assert "seeds" not in belas.text, "another conversation is open"
    await belas.press("alt+up")
    await belas.see("seeds", "soil", "new")
    await belas.until(lambda: _unread(belas) == 0)


async def test_what_comes_while_nobody_looks_is_not_read(
    belas: Window, club: str, anna: Client, people: People
) -> None:
    belas.app.post_message(events.AppBlur())
    await belas.until(lambda: not belas.app.app_focus)
    await anna.send(club, "are you there?")
    await belas.see("are you there?")
    assert [one.unread for one in await people.again("bela").unread()] == [1]
    await belas.until(lambda: _unread(belas) == 1)
    belas.app.post_message(events.AppFocus())
    await belas.until(lambda: _unread(belas) == 0)
    assert await people.again("bela").unread() == []


def _unread(opened: Window) -> int:
    return sum(one.unread for one in opened.chat.query_one(ConversationList).shown)


async def test_older_pages_come_one_at_a_time_as_one_goes_up(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    for number in range(2 * PAGE + 5):
        await anna.send(club, f"message {number}.")
    await bela.read(club, limit=1)
    async with window(people.homes / "bela", size=(100, 16)) as opened:
        await opened.see(f"message {2 * PAGE + 4}.")
        assert len(opened.timeline.messages) == PAGE
        await opened.press("up", "home")
        await opened.until(lambda: len(opened.timeline.messages) == 2 * PAGE)
        first = opened.timeline.chosen_message
        assert first is not None
        assert first.text == f"message {PAGE + 5}.", "what was chosen stays chosen"
        await opened.see(f"message {PAGE + 5}.")
        await opened.press("home")
        await opened.until(lambda: len(opened.timeline.messages) == 2 * PAGE + 5)
        await opened.press("home")
        await opened.see("message 0.")
        await opened.press("end")
        await opened.see(f"message {2 * PAGE + 4}.")


async def test_an_answer_to_a_message_far_back_quotes_it(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    first = await anna.send(club, "the very first")
    for number in range(3 * PAGE):
        await anna.send(club, str(number))
    await bela.send(club, "I remember", reply_to=first.message_id)
    async with window(people.homes / "bela") as opened:
        await opened.see("I remember", "┃ anna the very first")
        assert first.message_id not in opened.timeline.messages


async def test_search_finds_and_leads_back_however_far(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send(club, "the café in the harbour")
    for number in range(2 * PAGE):
        await anna.send(club, str(number))
    await gather_in("other", anna, bela)
    async with window(people.homes / "bela") as opened:
        await opened.see("# other")
        await opened.press("ctrl+f")
        await opened.type("harb cafe")
        await opened.press("enter")
        await opened.see("the café in the harbour")
        await opened.press("enter")
        await opened.until(lambda: opened.app.screen is opened.chat)
        await opened.until(lambda: opened.timeline.chosen_message is not None)
        await opened.see("# club", "▌ the café in the harbour")
        await opened.press("ctrl+f")
        await opened.type("nothing like it")
        await opened.press("enter")
        await opened.see("Nothing found.")


async def test_jumping_by_a_part_of_a_name(people: People, anna: Client) -> None:
    for name in ("Garden", "Book club", "Choir"):
        await gather_in(name, anna)
    async with window(people.homes / "anna") as opened:
        await opened.see("# Choir   1 member")
        await opened.press("ctrl+k")
        await opened.type("bkcl")
        await opened.press("enter")
        await opened.see("# Book club   1 member")


async def test_two_processes_share_a_profile(people: People, anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    async with window(people.homes / "bela") as opened:
        await opened.see("# club", "● connected")
        await bela.send(club, "from the command line")
        await opened.see("from the command line")


async def test_a_message_that_cannot_be_shown_is_a_stub() -> None:
    stub = _message(1, text=None, problem="bad_signature")
    other = _message(2, text="it is me", other_identity=True)
    withheld = _message(3, text="old words", problem="edit_withheld")
    async with Stage([stub, other, withheld]).run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        shown = "\n".join(_lines(pilot.app.query_one(Timeline)))
    assert "cannot be shown: bad signature" in shown
    assert "not who you know under this name" in shown
    assert "not as it is now: edit withheld" in shown
    assert "old words" in shown


async def test_ten_thousand_messages_stay_fluid() -> None:
    """Each step takes a fraction of the second that would be felt, however many are loaded."""
    loop = asyncio.get_running_loop()
    everything = [
        _message(number, text=f"message {number} " + "word " * 30) for number in range(10_000)
    ]
    async with Stage(everything).run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        timeline = pilot.app.query_one(Timeline)
        while not timeline.messages:
            await pilot.pause()
        timeline.focus()
        await pilot.pause()
        began = loop.time()
        for _ in range(20):
            await pilot.press("up")
        steps = loop.time() - began
        began = loop.time()
        for number in range(20):
            timeline.show([_message(10_000 + number, text="one more")])
        arrivals = loop.time() - began
        assert timeline.chosen == 10_000 - 19, "the first step chose the newest, and it stays so"
        assert "one more" not in "\n".join(_lines(timeline)), "and in view"
    assert steps < 10
    assert arrivals < 10


@pytest.mark.parametrize(
    ("days_ago", "name"),
    [(0, "Today"), (1, "Yesterday"), (2, "Saturday 21 November"), (400, "Sunday 19 October 2025")],
)
def test_days_have_names(days_ago: int, name: str) -> None:
    today = datetime(2026, 11, 23, tzinfo=UTC).date()
    assert day_name(today - timedelta(days=days_ago), today) == name


def _message(number: int, **fields: object) -> Message:
    return Message(
        **{
            "message_id": number + 1,
            "seq": number + 1,
            "sender": f"person{number % 7}",
            "text": "",
            "reply_to_id": None,
            "created_at": datetime.now(UTC),
            **fields,
        }  # pyright: ignore[reportArgumentType]
    )


def _lines(timeline: Timeline) -> list[str]:
    return [timeline.render_line(y).text for y in range(timeline.size.height)]


class Stage(App[None]):
    """A timeline alone, with what no honest server shows, or very much."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__()
        self._messages_shown = messages
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield Timeline("anna")

    def on_mount(self) -> None:
        timeline = self.query_one(Timeline)
        timeline.complete = True
        self.call_after_refresh(timeline.show, self._messages_shown)
