"""Drawing one message of the timeline: its lines, wrapped, with what stands above it."""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from textual.content import Content
from textual.strip import Strip
from textual.style import Style

from coterie.sdk.views import Message
from coterie.tui.drafts import Draft
from coterie.tui.message_lines import (
    Line,
    Look,
    day_name,
    draft_lines,
    local,
    message_lines,
    starts_anew,
)

GUTTER: Final = 2
"""Cells at the left, where the chosen message is marked."""
MOST_CELLS: Final = 100
"""Longer lines are hard to read."""


class Block(NamedTuple):
    """`above`: how many of the strips belong to no message: separators and room."""

    strips: list[Strip]
    above: int


class Scene(NamedTuple):
    """A message and what its looks depend on. `new_after`: the last entry that was read when the
    conversation was opened."""

    message: Message
    before: Message | None
    original: Message | None
    today: date
    new_after: int

    @property
    def named(self) -> bool:
        return starts_anew(self.message, self.before)

    @property
    def new_day(self) -> date | None:
        day = local(self.message.created_at).date()
        before = self.before and local(self.before.created_at).date()
        return None if day == before else day

    def is_first_new(self, me: str) -> bool:
        if self.message.seq <= self.new_after or self.message.sender == me:
            return False
        return self.before is None or self.before.seq <= self.new_after


class Painter:
    """`ground`: the style of what is empty; `rule` and `new`: of lines across."""

    def __init__(
        self, me: str, look: Look, ground: Style, rule: Style, new: Style, width: int
    ) -> None:
        self._me = me
        self._look = look
        self._ground = ground
        self._rule = rule
        self._new = new
        self._width = max(min(width - GUTTER - 1, MOST_CELLS), 1)
        self._gutter = Strip.blank(GUTTER, ground.rich_style)

    def paint(self, scene: Scene) -> Block:
        above: list[Strip] = []
        if scene.new_day is not None:
            day = day_name(scene.new_day, scene.today)
            above = [self._gutter, self._across(day, self._look.quiet), self._gutter]
        elif scene.named:
            above = [self._gutter]
        if scene.is_first_new(self._me):
            above.append(self._across("new", self._new))
        lines = message_lines(
            scene.message, scene.original, self._me, self._look, named=scene.named
        )
        return Block(above + self._strips(lines), len(above))

    def paint_draft(self, draft: Draft, original: Message | None) -> Block:
        lines = draft_lines(draft, original, self._look)
        return Block([self._gutter, *self._strips(lines)], 1)

    def guess(self, message: Message) -> int:
        """About how high it will be, at little cost."""
        lines = (message.text or "").splitlines() or [""]
        height = sum(1 + len(line) // self._width for line in lines)
        return height + 1 + len(message.files) + bool(message.reactions)

    def _strips(self, lines: Iterable[Line]) -> list[Strip]:
        return [self._strip(row) for line in lines for row in _rows(line, self._width)]

    def _strip(self, content: Content) -> Strip:
        return Strip.join([self._gutter, Strip(content.render_segments(self._ground))])

    def _across(self, words: str, style: Style) -> Strip:
        room = max(self._width - len(words) - 2, 2)
        left, right = "─" * (room // 2), "─" * (room - room // 2)
        return self._strip(
            Content.assemble((left, self._rule), (f" {words} ", style), (right, self._rule))
        )


def _rows(line: Line, width: int) -> list[Content]:
    if line.cut:
        return [line.content.truncate(width, ellipsis=True)]
    return line.content.wrap(width) or [line.content]
