"""The main screens look as they did when somebody last looked at them.

`COTERIE_PICTURES=draw pytest tests/tui/test_pictures.py` draws them anew, into `pictures/`.
"""

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coterie.sdk import Client
from tests.sdk.people import People, gather_in
from tests.tui.window import Window, window

PICTURES = Path(__file__).parent / "pictures"
CHANGING = (
    (re.compile(r"terminal-\d+"), "terminal"),
    (re.compile(r"\b\d\d:\d\d\b"), "12:00"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:00000"),
)
"""What is another each time: ids, times, the server's port."""


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where it is noon now, so that no midnight falls between two messages."""
    monkeypatch.setenv("TZ", f"NOON{datetime.now(UTC).hour - 12:+d}")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
async def club(anna: Client, bela: Client, chen: Client, tmp_path: Path) -> str:
    """One of each thing that is shown, and two other conversations."""
    await gather_in("garden", anna, bela)
    await anna.send("@bela", "Are you coming on Thursday?")
    club = await gather_in("Book club", anna, bela, chen)
    one = await anna.send(club, "Morning! The new relay has been up for three days now.")
    await anna.send(club, "Backups restored cleanly on the spare machine too.")
    two = await chen.send(
        club,
        "Can somebody share the invite link again? Mine had expired by the time I got to it, "
        "and my sister would like to join as well.",
        reply_to=one.message_id,
    )
    oops = await chen.send(club, "oops")
    await chen.delete(club, oops.message_id)
    (tmp_path / "minutes.pdf").write_bytes(bytes(123_456))
    three = await bela.send(club, "The minutes of last week", files=[tmp_path / "minutes.pdf"])
    await bela.edit(club, three.message_id, "The minutes of last Thursday")
    await anna.react(club, two.message_id, "🎉")
    await chen.react(club, three.message_id, "👍")
    await anna.react(club, three.message_id, "👍")
    await bela.react(club, one.message_id, "❤️")
    return club


def check(opened: Window, name: str) -> None:
    picture = opened.picture
    for changing, same in CHANGING:
        picture = changing.sub(same, picture)
    file = PICTURES / f"{name}.svg"
    if os.environ.get("COTERIE_PICTURES") == "draw":
        file.write_text(picture)
    assert picture == file.read_text(), f"{name} looks otherwise; look, then draw it anew"


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
async def test_the_main_screen(people: People, club: str, light: bool) -> None:
    async with window(people.homes / "bela", light=light) as opened:
        await opened.see("# Book club   3 members", "● connected", "minutes.pdf", "❤️ 1", "👍 2")
        await opened.press("up")
        await opened.see("r Reply")
        check(opened, "light" if light else "dark")


async def test_members_an_answer_and_the_keys(people: People, club: str) -> None:
    async with window(people.homes / "bela") as opened:
        await opened.see("# Book club   3 members", "● connected", "minutes.pdf", "❤️ 1", "👍 2")
        await opened.press("up", "up", "up", "r")
        await opened.see("Reply to chen")
        await opened.press("ctrl+r")
        await opened.see("owner", "i Invite")
        check(opened, "members")
        await opened.press("f1")
        await opened.see("Everywhere", "Conversation above")
        check(opened, "keys")
