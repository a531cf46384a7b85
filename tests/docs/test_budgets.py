"""Each budget of the limits stands in the table of docs/architecture.md, as large as it is."""

import re
from pathlib import Path

import pytest

from coterie.protocol import limits
from coterie.server.operations import budgets
from coterie.server.storage import windows

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
SECTION = PAGE.partition("\n### Budgets\n")[2].partition("\n## ")[0]
HEAD = "budget|how much|of whom|what costs|kept in|after a restart|without the database"
NAMED = re.compile(r"[A-Z_]+_PER_(ACCOUNT|ADDRESS|PERSON|DEVICE|CONVERSATION)")
UNITS = {limits.DAY: "day", limits.HOUR: "hour", limits.MINUTE: "minute", 1: "second"}


def rows() -> dict[str, list[str]]:
    """By the name of the limit, the cells beside it."""
    lines = [line.strip("|").split("|") for line in SECTION.splitlines() if line.startswith("|")]
    head, _, *body = ([cell.strip() for cell in line] for line in lines)
    assert "|".join(head) == HEAD
    return {name.strip("`"): cells for name, *cells in body}


def windowed() -> dict[str, tuple[int, int]]:
    """The limits that are so many in so many seconds."""
    found = {name: getattr(limits, name) for name in dir(limits) if NAMED.fullmatch(name)}
    return {name: limit for name, limit in found.items() if isinstance(limit, tuple)}


def in_words(limit: tuple[int, int]) -> str:
    count, seconds = limit
    whole = max(unit for unit in UNITS if seconds % unit == 0)
    number = seconds // whole
    return f"{count:,} in {number} {UNITS[whole]}{'s' if number > 1 else ''}"


@pytest.mark.parametrize("name", sorted(windowed()))
def test_a_budget_over_time_is_in_the_table_with_its_size(name: str) -> None:
    assert rows()[name][0] == in_words(windowed()[name])


def test_so_are_the_others() -> None:
    table, burst = rows(), f"{limits.ENTRIES_BURST_SECONDS} seconds' worth at once"
    assert table["ENTRIES_PER_SECOND"][0] == f"{limits.ENTRIES_PER_SECOND} a second, {burst}"
    conversation = f"{limits.CONVERSATION_BURST_SECONDS} seconds' worth at once"
    most = f"what {limits.CONVERSATION_ACCOUNTS} accounts may write, {conversation}"
    assert table["CONVERSATION_ACCOUNTS"][0] == most
    assert table["SOCKETS_PER_ACCOUNT"][0] == f"{limits.SOCKETS_PER_ACCOUNT} at once"
    assert table["SILENT_SOCKETS_PER_ADDRESS"][0] == f"{limits.SILENT_SOCKETS_PER_ADDRESS} at once"
    assert table["COMMANDS_AT_ONCE"][0] == f"{limits.COMMANDS_AT_ONCE} at once"
    assert table["QUEUE_MESSAGES"][0] == f"{limits.QUEUE_MESSAGES:,} at once"
    assert table["QUOTA_BYTES"][0] == f"{limits.QUOTA_BYTES // limits.GIB} GiB"
    assert table["SLOW_MODE_SECONDS"][0].startswith(
        f"{limits.SLOW_MODE_SECONDS // limits.HOUR} hours at most"
    )


@pytest.mark.parametrize(("name", "cells"), rows().items(), ids=rows())
def test_each_says_how_it_fails(name: str, cells: list[str]) -> None:
    *_, kept_in, after_restart, without_database = cells
    assert hasattr(limits, name)
    assert kept_in in ("memory", "database")
    assert after_restart == "kept" or kept_in == "memory"
    assert re.search(r"\((open|closed)\)$", without_database)


def test_how_much_is_remembered() -> None:
    assert f"of windows\n{windows.KEYS:,} are remembered" in SECTION
    assert f"of each other budget {budgets.REMEMBERED:,}," in SECTION
