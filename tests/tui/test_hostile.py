"""Promise: what others write, and what they call things, is text; it steers nothing and breaks
nothing in the terminal."""

from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from coterie.cli.output import plain
from coterie.sdk import Client
from tests.sdk.people import People, gather_in
from tests.tui.window import Window, window

STEERING = "\x1b\x9b\x07\x7f\x08\r\u202e\u2066\u200f"
HOSTILE = {
    "ansi": "\x1b[2J\x1b]0;owned\x07\x9b31mred",
    "bidi": "invoice\u202efdp.exe",
    "markup": "[bold red on blue]loud[/] [@click=app.quit]press[/] [/nothing]",
    "link": "[link=https://evil.example]safe[/link]",
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈" * 30,
    "combining": "a" + "\u0301" * 400,
    "wide": "漢字" * 200,
    "narrow": "\u200b\ufeff\u2060" * 50 + "x",
    "lines": "\n".join("line" for _ in range(60)),
    "separators": "one\u2028two\x0bthree\x85four",
    "long": "x" * 4_000,
    "blank": "\t \t",
    "variables": "$primary ${home} %s {0} \\[b]",
}


def drawn(opened: Window) -> str:
    """Every cell that is sent to the terminal, of the messages."""
    timeline = opened.timeline
    return "".join(timeline.render_line(y).text for y in range(timeline.size.height))


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_text_is_only_text(
    belas: Window, club: str, anna: Client, tmp_path: Path, kind: str
) -> None:
    text = HOSTILE[kind]
    sent = await anna.send(club, f"<{text}>")
    await belas.until(lambda: sent.message_id in belas.timeline.messages)
    await belas.pilot.pause()
    shown = drawn(belas)
    assert not set(STEERING) & set(shown)
    if kind in ("markup", "link", "variables"):
        assert f"<{text}>" in shown, "as it was written"
    await anna.send(club, "an answer", reply_to=sent.message_id)
    await belas.see("an answer")
    await belas.press("up", "up", "up")
    await belas.press("r")
    await belas.until(lambda: belas.chat.intent.answering is not None)
    assert not set(STEERING) & set(belas.text)
    for line in range(belas.timeline.size.height):
        width = belas.timeline.scrollable_content_region.width
        assert belas.timeline.render_line(line).cell_length == width, "no line sticks out"


async def test_names_of_groups_and_files_are_only_text(
    people: People, anna: Client, bela: Client, tmp_path: Path
) -> None:
    name = "[red]club[/] \u202e"
    club = await gather_in(name, anna, bela)
    path = tmp_path / "[b]plan\u202e.txt"
    path.write_text("the plan")
    await anna.send(club, "", files=[path])
    async with window(people.homes / "bela") as opened:
        await opened.see("# [red]club[/]", "📎 [b]plan.txt")
        assert isinstance(opened.app._driver, HeadlessDriver)  # pyright: ignore[reportPrivateUsage]
        for keys in (("ctrl+k",), ("escape", "up", "s"), ("escape", "ctrl+f")):
            await opened.press(*keys)
            await opened.pilot.pause()
            assert not set(STEERING) & set(opened.text)
        await opened.type("plan")
        await opened.press("enter")
        await opened.see("[red]club[/]", "[b]plan.txt")
        assert not set(STEERING) & set(opened.text)


async def test_copied_text_steers_nothing_where_it_is_pasted(
    belas: Window, club: str, anna: Client
) -> None:
    await anna.send(club, f"rm {STEERING}x")
    await belas.see("rm x")
    await belas.press("up", "y")
    await belas.until(lambda: bool(belas.app.clipboard))
    assert belas.app.clipboard == plain(f"rm {STEERING}x") == "rm x"
