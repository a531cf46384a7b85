"""docs/mls-validation.md is true: every check stands in it, is where it says, and has its test."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parents[1]
SOURCE = ROOT / "src" / "coterie" / "mls"
LEDGER = ROOT / "docs" / "mls-validation.md"

ERRORS = {
    "DecodeError",
    "ValidationError",
    "WrongGroup",
    "WrongEpoch",
    "SecretError",
    "MissingSecret",
    "Removed",
}
Definition = ast.FunctionDef | ast.ClassDef


def definitions(tree: ast.AST, prefix: str) -> dict[str, Definition]:
    """All functions and classes of a module by their qualified names."""
    found: dict[str, Definition] = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{prefix}.{node.name}"
            found |= {name: node, **definitions(node, name)}
    return found


def code() -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for path in sorted(SOURCE.glob("*.py")):
        found |= definitions(ast.parse(path.read_text()), path.stem)
    return found


def checks_raised_in(node: ast.AST) -> set[str]:
    raised: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) in ERRORS:
            check = call.args[0]
            assert isinstance(check, ast.Constant), "a check's id is written out"
            raised.add(str(check.value))
    return raised


def raising_functions() -> dict[str, set[str]]:
    """The functions that raise each check."""
    places: dict[str, set[str]] = defaultdict(set)
    for name, node in code().items():
        if isinstance(node, ast.FunctionDef):
            for check in checks_raised_in(node):
                places[check].add(name)
    return places


def rows(columns: int) -> list[list[str]]:
    """The cells of all table rows with so many columns, heads left out."""
    found: list[list[str]] = []
    for line in LEDGER.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == columns and "`" in line:
            found.append(cells)
    return found


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_check_stands_in_the_ledger_once_at_its_places() -> None:
    listed = [(names_in(row[0])[0], set(names_in(row[3]))) for row in rows(5)]
    assert len(listed) == len({check for check, _ in listed})
    assert dict(listed) == raising_functions()


def test_every_row_has_a_section_and_says_what_must_hold() -> None:
    for row in rows(5):
        assert re.fullmatch(r"ours|[0-9].*|erratum.*", row[1]), row
        assert len(row[2]) > 10, row


def test_every_test_named_exists_and_provokes_its_check() -> None:
    for row in rows(5):
        (check,) = names_in(row[0])
        tests = names_in(row[4])
        assert tests, f"{check} has no test"
        for test in tests:
            file, name = test.split("::")
            source = (TESTS / file).read_text()
            assert name in definitions_of(source), test
            assert f'"{check}"' in source, f"{test} does not provoke {check}"


def definitions_of(source: str) -> set[str]:
    return {name.removeprefix(".") for name in definitions(ast.parse(source), "")}


def test_every_promise_has_its_code_and_its_test() -> None:
    promises = rows(3)
    assert len(promises) >= 10
    known = code()
    for row in promises:
        assert names_in(row[1])[0] in known, row
        file, name = names_in(row[2])[0].split("::")
        assert name in definitions_of((TESTS / file).read_text()), row
