"""SQL stands where rows are read and written, and nowhere else."""

import ast
import re

import pytest

from tests.house.sources import Source, sources, within

HOMES = ("coterie.server.storage", "coterie.sdk.vault")
"""The server's storage, and the device's own store."""

SQL = re.compile(
    r"""^\s*( SELECT\b.+ | WITH\s+\w+\s+AS\b.+ | INSERT\s+INTO\b.+ | UPDATE\s+\w+\s+SET\b.+
    | DELETE\s+FROM\b.+
    | (CREATE|ALTER|DROP|TRUNCATE|LOCK)\s+(TABLE|INDEX|ROLE|DATABASE|TRIGGER)\b.+
    | PRAGMA\s+\w+.* | (LISTEN|NOTIFY)\s+\w+.* | SET\s+(LOCAL|SESSION)\b.+ )$""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def is_sql(text: str) -> bool:
    """Whether it reads as SQL. A capital followed by small letters begins a sentence."""
    return bool(SQL.match(text)) and not text.split()[0].istitle()


def statements(source: Source) -> list[str]:
    """String literals that read as SQL; docstrings are prose."""
    tree = ast.parse(source.text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    literals = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    texts = (str(node.value) for node in literals if id(node) not in prose)
    return [text for text in texts if is_sql(text)]


def is_home(module: str) -> bool:
    return any(within(module, home) for home in HOMES)


@pytest.mark.parametrize(
    "source",
    [source for source in sources() if not is_home(source.module)],
    ids=lambda source: source.module,
)
def test_no_sql_outside_its_homes(source: Source) -> None:
    assert not statements(source)


@pytest.mark.parametrize(
    "text",
    [
        'tx.execute("SELECT 1")',
        'tx.execute("""\n    select id from users\n""")',
        'tx.execute(f"DELETE FROM {table}")',
        'QUERY = "with gone as (delete from bans returning 1) select 1"',
        'db.execute("PRAGMA journal_mode = wal")',
    ],
)
def test_a_breach_is_caught(text: str) -> None:
    assert statements(Source("coterie.server.operations.bans", text))


def test_prose_is_no_sql() -> None:
    text = '"""select a group from the list."""\nhelp = "Listen beyond this machine."'
    assert not statements(Source("coterie.cli.groups", text))
