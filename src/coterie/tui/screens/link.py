"""An invite link, shown once."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button, Static

from coterie.tui.program import program
from coterie.tui.screens.dialog import Dialog


class Link(Dialog[None]):
    BINDINGS: ClassVar[list[Any]] = [Binding("c,y", "copy", "Copy")]

    program = program

    def __init__(self, link: str) -> None:
        super().__init__(
            "Invite link",
            "Whoever has all of it may enter: pass it on with care. It is shown once.",
        )
        self._link = link

    def compose_inside(self) -> ComposeResult:
        yield Static(self._link, markup=False, id="link")
        with Horizontal(classes="buttons"):
            yield Button("Copy (c)", id="copy", compact=True)
            yield Button("Close (Esc)", id="close", compact=True)

    def action_copy(self) -> None:
        self.program.copy_to_clipboard(self._link)
        self.query_one("#copy", Button).label = "Copied"

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss(None)
