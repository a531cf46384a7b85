"""Opening the client: without an account, with one, and where the server has gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from textual.color import Color

from coterie.sdk import Client
from coterie.server.app import running
from coterie.server.config import Config
from coterie.tui import themes
from coterie.tui.themes import DARK, LIGHT, NAMES_ON_DARK, NAMES_ON_LIGHT, name_colour
from tests.sdk.people import SOURCES, People, gather_in
from tests.tui.window import window

LEGIBLE = 4.5
"""WCAG 2.2 §1.4.3: the contrast of text and what is behind it."""


async def test_without_an_account_it_says_which_command_makes_one(tmp_path: Path) -> None:
    async with window(tmp_path / "nobody") as opened:
        await opened.see("This profile has no account yet", "signup USERNAME", "coterie tui")
        await opened.press("q")
    assert not (tmp_path / "nobody").exists(), "nothing is left behind"


async def test_a_lost_server_is_said_and_what_is_here_can_be_read_until_it_is_back(
    database_url: str, tmp_path: Path
) -> None:
    config = Config(data=tmp_path / "server", port=0, database=database_url)
    async with running(config) as url:
        people = People(url, tmp_path / "homes")
        anna = await people.meet("anna")
        club = await gather_in("club", anna)
        await gather_in("other", anna)
        await anna.send(club, "kept")
        await anna.read(club)
        await people.go_home()
    async with window(people.homes / "anna") as opened:
        await opened.see("○ connecting…", "# club", "# other", "kept")
        await opened.press("alt+down")
        await opened.see("Message # other")
        await opened.press("alt+up")
        await opened.see("kept")
        again = Config(data=config.data, port=int(url.rpartition(":")[2]), database=database_url)
        async with running(again):
            await opened.see("● connected")
        await opened.see("○ reconnecting…")


async def test_dark_and_light(people: People, anna: Client) -> None:
    async with window(people.homes / "anna", light=True) as opened:
        await opened.see("● connected")
        assert opened.app.theme == LIGHT.name
        await opened.press("ctrl+t")
        assert opened.app.theme == DARK.name


async def test_a_narrow_terminal_shows_the_messages_alone(people: People, anna: Client) -> None:
    club = await gather_in("club", anna)
    await anna.send(club, "hello")
    async with window(people.homes / "anna", size=(60, 20)) as opened:
        await opened.see("# club", "hello")
        assert "● connected" not in opened.text


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_colour_of_text_is_legible(theme: themes.Theme) -> None:
    names = NAMES_ON_DARK if theme.dark else NAMES_ON_LIGHT
    quiet, chosen = theme.variables["quiet"], theme.variables["chosen"]
    own = (theme.foreground, theme.primary, theme.warning, theme.error, theme.success, quiet)
    for ground in (theme.background, theme.panel, chosen):
        for colour in {*names, *own}:
            assert ground is not None
            assert colour is not None
            assert _contrast(colour, ground) >= LEGIBLE, (colour, ground)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, *contrast ratio*."""
    lights = sorted(_luminance(Color.parse(colour)) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: Color) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_name_has_one_colour_wherever_it_stands() -> None:
    assert name_colour("anna", dark=True) == name_colour("anna", dark=True)
    used = {name_colour(f"person{number}", dark=True) for number in range(100)}
    assert used == set(NAMES_ON_DARK), "all of them are used"


def test_without_textual_it_says_what_to_install(tmp_path: Path) -> None:
    """A module of that name which is not there, as far as this process can see."""
    blocker = (
        "import sys; sys.modules['textual'] = None; sys.argv = ['coterie', 'tui'];"
        "from coterie.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocker],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "COTERIE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'coterie[cli,tui]'" in done.stderr
    assert "Traceback" not in done.stderr
