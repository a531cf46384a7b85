"""Each attack of the page has a test that exists, and each broken build its attack."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "attacks.md").read_text()
BROKEN = ROOT / "tests" / "broken"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
HOSTILE = {
    *("fork", "reorder", "withhold", "replay", "roll-back of a cursor", "two heads"),
    *("edited page of history", "swapped names", "stale device list"),
    *("statement of the server", "KeyPackage exhaustion", "KeyPackage poisoning"),
}
"""What a server is expected to try: none of it may leave the page."""


def rows(section: str) -> list[list[str]]:
    """The cells of each line of the tables below a heading."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if "attack" not in row]


BY_SERVER = rows("By a hostile server")
ON_PAPER = rows("On paper")


@cache
def defined_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    defined = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {node.name for node in defined}


@pytest.mark.parametrize(("path", "name"), sorted(set(TEST.findall(PAGE))))
def test_its_test_exists(path: str, name: str) -> None:
    assert name in defined_in(path)


@pytest.mark.parametrize("row", BY_SERVER, ids=lambda row: row[0])
def test_an_attack_has_an_outcome_a_test_and_a_build_without_the_defence(row: list[str]) -> None:
    _, outcome, test, build = row
    assert re.match(r"\*\*(cannot|can)\*\*", outcome)
    (named,) = TEST.findall(test)
    patch = (BROKEN / f"{build.strip('`')}.patch").read_text()
    told = re.search(r"^Test: (\S+?)(\[.*\])?$", patch, re.M)
    assert told is not None
    assert told[1] == "::".join(named), "the broken build is noticed by the test of its row"


def test_every_broken_build_belongs_to_an_attack() -> None:
    named = [row[3].strip("`") for row in BY_SERVER]
    assert sorted(named) == sorted(patch.stem for patch in BROKEN.glob("*.patch"))


def test_what_a_server_is_expected_to_try_is_there() -> None:
    tried = {re.split(r"[:,]", row[0])[0] for row in BY_SERVER}
    assert tried >= HOSTILE


def test_the_attacks_on_paper_are_all_there_with_a_test_or_as_open() -> None:
    assert [row[0] for row in ON_PAPER] == [f"F{number}" for number in range(1, 23)]
    for number, attack, answer, tests, open_ in ON_PAPER:
        assert attack, number
        assert answer, number
        assert TEST.findall(tests) or open_, (
            f"{number} has neither a test nor is it said to be open"
        )
