"""Where a message is written."""

from typing import Any, ClassVar

from textual.binding import Binding
from textual.message import Message as Event
from textual.widgets import TextArea


class Composer(TextArea):
    """Several lines; Enter sends them."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("enter", "send", "Send", priority=True),
        Binding("ctrl+j,shift+enter,alt+enter", "break_line", "New line", key_display="^j"),
    ]

    class Submitted(Event):
        """A person wants this sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Event):
        """Up, from the first line: to the messages above."""

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True, show_line_numbers=False, compact=True, tab_behavior="focus"
        )

    def fill(self, text: str) -> None:
        """By no key of a person's: this changes nothing that others see."""
        with self.prevent(TextArea.Changed):
            self.text = text
        self.move_cursor(self.document.end)

    def action_send(self) -> None:
        self.post_message(self.Submitted(self.text))

    def action_break_line(self) -> None:
        self.insert("\n")

    def action_cursor_up(self, select: bool = False) -> None:
        if self.cursor_location[0] == 0 and not select and not self.text:
            self.post_message(self.Left())
        else:
            super().action_cursor_up(select)
