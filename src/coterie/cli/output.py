"""What a verb says: a document for programs, or something calm for people."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import category

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WIDE = 4096
_DIRECTION_CONTROLS = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def say(as_json: bool, document: object, human: "RenderableType") -> None:
    """The answer of a verb, on stdout. `document` holds structs, ids and times as they are."""
    if as_json:
        write_json(document)
    elif isinstance(human, str):
        sys.stdout.write(human + "\n")
    else:
        console().print(human, soft_wrap=True)


def write_json(document: object) -> None:
    """One document, one line, in UTF-8 wherever we are; flushed, for those who follow."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    sys.stdout.flush()


def console() -> "Console":
    """Colours on a terminal, none elsewhere; elsewhere no line is broken or cut either."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> "RenderableType":
    """A table without lines, or the sentence `empty` when there are no rows."""
    from rich.table import Table

    listed = [[_cell(value) for value in row] for row in rows]
    if not listed:
        return empty
    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in listed:
        made.add_row(*row)
    return made


def plain(text: str) -> str:
    """Somebody else's text, without what would steer the terminal or turn the line around."""
    return "".join(c for c in text if c in "\n\t" or not _steers(c))


def _steers(character: str) -> bool:
    return category(character) == "Cc" or character in _DIRECTION_CONTROLS


def one_line(text: str) -> str:
    return " ".join(plain(text).split())


def _cell(value: Any) -> str:
    return "" if value is None else one_line(str(value))
