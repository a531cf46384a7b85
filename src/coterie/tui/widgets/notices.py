"""What a person should know, quietly, above the messages; a click or Esc takes it away."""

from typing import Final

from textual.containers import Vertical
from textual.widgets import Static

from coterie.cli.output import one_line

MOST: Final = 4


class Notice(Static):
    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text, markup=False, classes=kind)
        self.text = text

    def on_click(self) -> None:
        self.remove()


class Notices(Vertical):
    """The last few, each once."""

    def __init__(self) -> None:
        super().__init__(id="notices")

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.query(Notice)]

    def warn(self, text: str) -> None:
        self._add(text, "warning")

    def fail(self, text: str) -> None:
        self._add(text, "error")

    def tell(self, text: str) -> None:
        self._add(text, "news")

    def clear(self) -> bool:
        """Whether there were any."""
        shown = self.query(Notice)
        found = bool(shown)
        shown.remove()
        return found

    def _add(self, text: str, kind: str) -> None:
        line = one_line(text)
        shown = list(self.query(Notice))
        if line in [one.text for one in shown]:
            return
        for old in shown[: max(len(shown) + 1 - MOST, 0)]:
            old.remove()
        self.mount(Notice(line, kind))
