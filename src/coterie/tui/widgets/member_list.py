"""The members of a group, the highest rank first."""

from collections.abc import Sequence, Set
from typing import Any, ClassVar
from uuid import UUID

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from coterie.cli.output import one_line
from coterie.protocol.roles import Role
from coterie.sdk.views import Member
from coterie.tui.program import program
from coterie.tui.themes import name_colour


class MemberList(OptionList):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "member-list--here",
        "member-list--quiet",
        "member-list--warning",
    }
    BINDINGS: ClassVar[list[Any]] = [
        Binding("enter", "screen.write_to", "Write to", priority=True),
        Binding("i", "screen.invite", "Invite"),
        Binding("k", "screen.kick", "Remove"),
        Binding("b", "screen.ban", "Ban"),
    ]

    program = program

    def __init__(self) -> None:
        super().__init__(id="members", markup=False)
        self._shown: list[Member] = []
        self._here: Set[UUID] = frozenset()

    def show(self, members: Sequence[Member]) -> None:
        self._shown = list(members)
        self._redraw()

    def show_here(self, user_ids: Set[UUID]) -> None:
        """Who shows that they are there."""
        self._here = user_ids
        self._redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._redraw()

    @property
    def chosen(self) -> Member | None:
        return None if self.highlighted is None else self._shown[self.highlighted]

    def _redraw(self) -> None:
        kept = self.highlighted
        self.set_options([Option(self._row(one)) for one in self._shown])
        self.highlighted = None if kept is None or kept >= len(self._shown) else kept

    def _row(self, one: Member) -> Table:
        colour = name_colour(one.username, dark=self.program.current_theme.dark)
        row = Table.grid(expand=True)
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(justify="right", no_wrap=True)
        mark = " ⚠" if one.provisional or one.other_identity else ""
        name = Text(one_line(one.username), colour)
        if one.user_id in self._here:
            name.append(" ●", self.get_component_rich_style("member-list--here", partial=True))
        name.append(mark, self.get_component_rich_style("member-list--warning", partial=True))
        role = "" if one.role is Role.MEMBER else one.role.value
        quiet = self.get_component_rich_style("member-list--quiet", partial=True)
        row.add_row(name, Text(role, quiet))
        return row
