"""Searching what this device has; the words stay on it."""

from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from coterie.cli.failures import failure_of
from coterie.cli.output import one_line
from coterie.sdk import Client
from coterie.sdk.views import Found
from coterie.tui.message_lines import local, summary
from coterie.tui.screens.dialog import Dialog

PAGE = 50


class Search(Dialog[Found]):
    """Enter searches, and opens what is chosen; at the end of the list there is more."""

    BINDINGS: ClassVar[list[Any]] = [
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
    ]

    def __init__(self, client: Client) -> None:
        super().__init__("Search", "What you search for stays on this device.")
        self._client = client
        self._found: list[Found] = []
        self._words = ""
        self._more = False

    def compose_inside(self) -> ComposeResult:
        yield Input(placeholder="Words, or their beginnings; then Enter")
        yield Static("", markup=False, id="outcome")
        yield OptionList(markup=False)

    def on_input_changed(self) -> None:
        self._found, self._words = [], ""
        self._show("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value != self._words:
            self._words = event.value
            self._look(None)
        else:
            self._choose(self.query_one(OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(event.option_index)

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if options.option_count:
            options.highlighted = ((options.highlighted or 0) + by) % options.option_count

    def _choose(self, index: int | None) -> None:
        if index is None:
            return
        if index < len(self._found):
            self.dismiss(self._found[index])
        else:
            self._look(self._found[-1].message.message_id)

    def _look(self, before: int | None) -> None:
        self.run_worker(partial(self._search, self._words, before), exclusive=True)

    async def _search(self, words: str, before: int | None) -> None:
        self.query_one("#outcome", Static).update("Searching…")
        try:
            found = await self._client.search(words, limit=PAGE, before=before)
        except Exception as error:
            self._show(failure_of(error).message)
            return
        kept = len(self._found) if before is not None else 0
        self._found = [*self._found[:kept], *found]
        self._more = len(found) == PAGE
        self._show("" if self._found else "Nothing found.", kept)

    def _show(self, outcome: str, highlighted: int = 0) -> None:
        self.query_one("#outcome", Static).update(Content(one_line(outcome)))
        options = self.query_one(OptionList)
        options.set_options(Option(_row(one)) for one in self._found)
        if self._found and self._more:
            options.add_option(Option(Content("Older ones…")))
        options.highlighted = highlighted if self._found else None


def _row(found: Found) -> Content:
    message = found.message
    when = f"{local(message.created_at):%Y-%m-%d %H:%M}"
    where = f"{one_line(found.conversation)}  {one_line(message.sender)}  {when}"
    return Content.assemble((where, "$quiet"), "\n", one_line(summary(message))[:300])
