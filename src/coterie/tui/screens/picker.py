"""A list to choose from, by typing a part of what is meant."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from coterie.cli.output import one_line
from coterie.tui.screens.dialog import Dialog

MOST = 100
T = TypeVar("T")


class Choice(NamedTuple, Generic[T]):
    """`words`: what it is found by."""

    label: str
    value: T
    words: str


class Picker(Dialog[T]):
    BINDINGS: ClassVar[list[Any]] = [
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice[T]],
        hint: str = "",
        otherwise: Callable[[str], Choice[T] | None] = lambda typed: None,
    ) -> None:
        """`otherwise` may make a choice of what was typed, which stands at the end."""
        super().__init__(title, hint)
        self._choices = choices
        self._otherwise = otherwise
        self._shown: list[Choice[T]] = []

    def compose_inside(self) -> ComposeResult:
        yield Input(placeholder="Type to search")
        yield OptionList(markup=False)

    def on_mount(self) -> None:
        self._filter("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def on_input_submitted(self) -> None:
        chosen = self.query_one(OptionList).highlighted
        if chosen is not None:
            self.dismiss(self._shown[chosen].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].value)

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if self._shown:
            options.highlighted = ((options.highlighted or 0) + by) % len(self._shown)

    def _filter(self, typed: str) -> None:
        self._shown = [*_best(self._choices, typed.strip())]
        other = self._otherwise(typed.strip())
        if other is not None:
            self._shown.append(other)
        options = self.query_one(OptionList)
        options.set_options(Option(Content(one_line(one.label))) for one in self._shown)
        options.highlighted = 0 if self._shown else None


def _best(choices: Sequence[Choice[T]], typed: str) -> list[Choice[T]]:
    """Those that match best first; in their own order where nothing is typed."""
    if not typed:
        return list(choices[:MOST])
    search = FuzzySearch()
    scored = [(search.match(typed, one.words)[0], one) for one in choices]
    matching = sorted((one for one in scored if one[0]), key=lambda one: -one[0])
    return [one for _, one in matching[:MOST]]
