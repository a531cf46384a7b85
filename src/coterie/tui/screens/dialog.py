"""A small window above the others. Esc closes it without an answer."""

from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from coterie.cli.output import one_line

T = TypeVar("T")


class Dialog(ModalScreen[T | None], Generic[T]):
    """A subclass says what is inside. A click beside it closes it too."""

    BINDINGS: ClassVar[list[Any]] = [Binding("escape", "close", "Close")]

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(one_line(self._title), markup=False, classes="title")
            yield from self.compose_inside()
            if self._hint:
                yield Static(self._hint, markup=False, classes="hint")

    def compose_inside(self) -> ComposeResult:
        """The widgets between the title and the hint."""
        yield from ()

    def action_close(self) -> None:
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)
