"""Lists that the server gives page by page."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from coterie.protocol.commands import Command
from coterie.sdk.connection import Connection


class Page(Protocol):
    @property
    def more(self) -> bool: ...


P = TypeVar("P", bound=Page)
T = TypeVar("T")


async def list_all(
    connection: Connection,
    ask: Callable[[UUID | None], Command],
    page_type: type[P],
    rows: Callable[[P], Sequence[T]],
    key: Callable[[T], UUID],
) -> list[T]:
    """All rows; each page is asked for after the key of the last row before it."""
    found: list[T] = []
    more = True
    while more:
        page = await connection.call(ask(key(found[-1]) if found else None), page_type)
        found += rows(page)
        more = page.more and bool(rows(page))
    return found
