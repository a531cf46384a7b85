"""A question that is answered with a line of text."""

import asyncio
import os
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.suggester import Suggester
from textual.widgets import Input

from coterie.tui.screens.dialog import Dialog


class Prompt(Dialog[str]):
    """The answer is never empty."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("tab", "complete", "Complete", show=False, priority=True)
    ]

    def __init__(
        self,
        title: str,
        hint: str = "",
        *,
        value: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(title, hint)
        self._value = value
        self._suggester = suggester

    def compose_inside(self) -> ComposeResult:
        yield Input(self._value, suggester=self._suggester, select_on_focus=False)

    def action_complete(self) -> None:
        self.query_one(Input).action_cursor_right()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())


class PathSuggester(Suggester):
    """The first file or folder whose name goes on like this."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(_complete, value)


def _complete(value: str) -> str | None:
    """None where nothing matches, or nothing may be looked at."""
    typed, name = os.path.split(value)
    folder = Path(typed or ".").expanduser()
    try:
        names = sorted(one.name for one in folder.iterdir() if one.name.startswith(name))
    except OSError:
        return None
    shown = [one for one in names if name.startswith(".") or not one.startswith(".")]
    if not name or not shown:
        return None
    end = os.sep if (folder / shown[0]).is_dir() else ""
    return os.path.join(typed, shown[0]) + end
