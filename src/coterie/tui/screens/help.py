"""Every key, by where it works: read from the bindings themselves."""

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.widgets import Static

from coterie.tui.screens.dialog import Dialog

KeyTable = dict[str, list[Binding]]
"""The bindings of each place, under its name."""


class Help(Dialog[None]):
    BINDINGS: ClassVar[list[Any]] = [Binding("q,f1", "close", "Close", show=False)]

    def __init__(self, table: KeyTable) -> None:
        super().__init__("Keys", "The mouse does all of it too: the line below, and Ctrl+P.")
        self._table = table

    def compose_inside(self) -> ComposeResult:
        with VerticalScroll():
            for place, bindings in self._table.items():
                yield Static(place, markup=False, classes="place")
                yield Static(Content("\n").join(_rows(bindings)))


def _rows(bindings: list[Binding]) -> Iterator[Content]:
    for binding in bindings:
        keys = binding.key_display or " ".join(key_name(one) for one in binding.key.split(","))
        yield Content.assemble((f"{keys:<22}", "$primary"), binding.description)


def key_name(key: str) -> str:
    """As it is written on a keyboard."""
    parts = key.strip().split("+")
    return "+".join([*(part.title() for part in parts[:-1]), _written(parts[-1])])


def _written(key: str) -> str:
    name = format_key(key)
    return name if len(name) == 1 else name.title()
