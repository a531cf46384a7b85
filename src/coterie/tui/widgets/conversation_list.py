"""The conversations at the left, the newest first."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.message import Message as Event
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from coterie.cli.output import one_line
from coterie.protocol.limits import UNREAD_COUNTED
from coterie.sdk.views import Conversation


class ConversationList(OptionList):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "conversation-list--read",
        "conversation-list--open",
        "conversation-list--unread",
        "conversation-list--badge",
    }
    BINDINGS: ClassVar[list[Any]] = [
        Binding("n", "screen.create_group", "New group"),
        Binding("j", "screen.join", "Join by link"),
        Binding("i", "screen.invite", "Invite"),
        Binding("l", "screen.leave", "Leave group"),
    ]

    class Opened(Event):
        """A person wants to see this one."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self) -> None:
        super().__init__(id="conversations", markup=False)
        self.shown: list[Conversation] = []
        self._open = ""

    def show(self, conversations: Sequence[Conversation], opened: str) -> None:
        """`opened`: the id of the one that is on the screen; it stays marked."""
        if (self.shown, self._open) == (list(conversations), opened):
            return
        self.shown, self._open = list(conversations), opened
        self._redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._redraw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Opened(event.option_id))

    def _redraw(self) -> None:
        self.set_options([Option(self._row(one), str(one.conversation_id)) for one in self.shown])
        ids = [str(one.conversation_id) for one in self.shown]
        self.highlighted = ids.index(self._open) if self._open in ids else None

    def _row(self, one: Conversation) -> Table:
        state = "unread" if one.unread else "read"
        name = self._style("open" if str(one.conversation_id) == self._open else state)
        row = Table.grid(expand=True, padding=(0, 1, 0, 0))
        row.add_column(width=1)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", no_wrap=True)
        badge = self._badge(one.unread)
        row.add_row(Text("@" if one.direct else "#", name), Text(_title(one), name), badge)
        return row

    def _badge(self, unread: int) -> Padding | str:
        count = f"{unread}+" if unread >= UNREAD_COUNTED else str(unread)
        return Padding(Text(count), (0, 1), style=self._style("badge")) if unread else ""

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"conversation-list--{part}", partial=True)


def _title(one: Conversation) -> str:
    title = one_line(one.title)
    title = title.removeprefix("@") if one.direct else title
    return title if one.current else f"{title} (left)"
