"""Who is typing."""

from collections.abc import Sequence
from typing import Final

from textual.widgets import Static

from coterie.cli.output import one_line

NAMED: Final = 3


class TypingLine(Static):
    def __init__(self) -> None:
        super().__init__(id="typing", markup=False)
        self.display = False

    def show(self, names: Sequence[str]) -> None:
        self.update(_sentence([one_line(name) for name in names]))
        self.display = bool(names)


def _sentence(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return "Several people are typing…"
    *others, last = names or [""]
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed} {'is' if not others else 'are'} typing…"
