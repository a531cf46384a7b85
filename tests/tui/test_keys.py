"""Everything that can be done has a key, and every key stands in the help and the palette."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import coterie.tui
from coterie.sdk import Client
from coterie.tui.app import KEYS
from coterie.tui.screens.help import key_name
from tests.sdk.people import People, gather_in
from tests.tui.window import window


def with_keys() -> Iterator[type[DOMNode]]:
    """Every widget and screen of ours that binds a key."""
    for module in pkgutil.walk_packages(coterie.tui.__path__, "coterie.tui."):
        own = vars(importlib.import_module(module.name)).values()
        for found in (one for one in own if isinstance(one, type) and issubclass(one, DOMNode)):
            if found.__module__ == module.name and "BINDINGS" in vars(found):
                yield found


def bindings(owner: type[DOMNode]) -> list[Binding]:
    return [one for one in vars(owner)["BINDINGS"] if isinstance(one, Binding)]


@pytest.mark.parametrize("owner", list(with_keys()), ids=lambda owner: owner.__name__)
def test_every_key_is_in_the_table_of_the_help(owner: type[DOMNode]) -> None:
    shown = {(one.key, one.description) for table in KEYS.values() for one in table}
    own = {(one.key, one.description) for one in bindings(owner)}
    assert own <= shown
    assert all(one.description for one in bindings(owner))


def test_nothing_stands_for_two_things_in_one_place() -> None:
    for place in ("Everywhere", "Writing"):
        keys = [key for one in KEYS[place] for key in one.key.split(",")]
        assert len(keys) == len(set(keys))


async def test_the_help_shows_the_whole_table(people: People, anna: Client) -> None:
    async with window(people.homes / "anna", size=(110, 120)) as opened:
        await opened.see("● connected")
        await opened.press("f1")
        await opened.see(*KEYS)
        for table in KEYS.values():
            for one in table:
                assert one.description in opened.text
        assert "Ctrl+k" in opened.text
        await opened.press("escape")
        await opened.see_no_more("Everywhere")


async def test_the_palette_offers_what_can_be_done_now(people: People, anna: Client) -> None:
    async with window(people.homes / "anna") as opened:
        await opened.see("● connected")
        titles = {one.title for one in opened.app.get_system_commands(opened.chat)}
        assert {"New group", "Join by link", "Jump", "Search", "Dark or light", "Quit"} <= titles
        assert not {"Reply", "Delete", "Invite", "Leave group"} & titles, "there is nothing to"
        await gather_in("club", anna)
        await opened.see("# club   1 member")
        titles = {one.title for one in opened.app.get_system_commands(opened.chat)}
        assert "Invite" in titles
        assert "Leave group" not in titles, "an owner hands the group over first"
        await opened.press("ctrl+p")
        await opened.type("new gr")
        await opened.see("New group")
        await opened.press("enter")
        await opened.see("What it is called.")


@pytest.mark.parametrize(
    ("key", "name"), [("ctrl+k", "Ctrl+k"), ("alt+up", "Alt+↑"), ("f1", "F1"), ("plus", "+")]
)
def test_keys_are_named_as_on_a_keyboard(key: str, name: str) -> None:
    assert key_name(key) == name
