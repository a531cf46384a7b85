"""A question before something that cannot be undone."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static

from coterie.cli.output import plain
from coterie.tui.screens.dialog import Dialog


class Confirm(Dialog[bool]):
    BINDINGS: ClassVar[list[Any]] = [
        Binding("y", "agree", "Yes"),
        Binding("n", "close", "No"),
    ]

    def __init__(self, title: str, explanation: str, yes: str) -> None:
        super().__init__(title)
        self._explanation = explanation
        self._yes = yes

    def compose_inside(self) -> ComposeResult:
        yield Static(plain(self._explanation), markup=False)
        with Horizontal(classes="buttons"):
            yield Button(f"{self._yes} (y)", id="yes", compact=True)
            yield Button("No (n)", id="no", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    def action_agree(self) -> None:
        self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
