"""What there is to see before there is an account."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static


class Welcome(Screen[None]):
    """Says why there is nothing to show, and which command changes that."""

    BINDINGS: ClassVar[list[Any]] = [Binding("q,escape", "app.quit", "Quit")]

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def compose(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Static("Coterie", classes="title")
            yield Static(self._reason, markup=False)
            yield Static("Then start this again:  coterie tui", markup=False, classes="hint")
        yield Footer()
