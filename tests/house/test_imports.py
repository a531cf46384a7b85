"""What each package may import from outside. Among ourselves: the contracts in pyproject.toml.

import-linter sees that `coterie.server` leaves `coterie.sdk` alone, but not that it leaves `nacl`
alone. This does: what cannot be imported cannot decrypt.
"""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.house.sources import Source, sources, within

ALLOWED = {
    "coterie": set[str](),
    "coterie.cli": {"mnemonic", "msgspec", "platformdirs", "rich", "structlog", "typer", "uvloop"},
    "coterie.governance": {"msgspec", "nacl"},
    "coterie.mls": {"cryptography", "nacl"},
    "coterie.protocol": {"msgspec"},
    "coterie.sdk": {"aiohttp", "base58", "keyring", "mnemonic", "msgspec", "nacl", "platformdirs"},
    "coterie.server": {"aiohttp", "msgspec", "structlog", "uvloop"},
    "coterie.server.administration": {"aiohttp", "msgspec"},
    "coterie.server.operations": {"argon2", "msgspec", "structlog"},
    "coterie.server.postgres": {"structlog"},
    "coterie.server.realtime": {"aiohttp", "msgspec", "structlog"},
    "coterie.server.storage": {"msgspec", "obstore", "psycopg", "psycopg_pool", "structlog"},
    "coterie.server.transport": {"aiohttp", "argon2", "msgspec", "structlog"},
    "coterie.tui": {"platformdirs", "rich", "textual"},
}
"""By package; the longest name that fits counts."""

PURE = ("coterie.governance", "coterie.mls", "coterie.protocol")
"""Data and decisions: the same answer everywhere, nothing read and nothing sent."""

OUTSIDE_WORLD = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading",
    "urllib.request",
}  # fmt: skip


def imported(source: Source) -> Iterator[str]:
    """Every module named by an import, wherever it stands; "?" where only running it would tell."""
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "?"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in {"__import__", "import_module", "exec", "eval"}:
                yield "?"


def allowed(module: str) -> set[str]:
    return ALLOWED[max((package for package in ALLOWED if within(module, package)), key=len)]


def breaches(source: Source) -> set[str]:
    """The outside modules `source` imports and may not."""
    found = set[str]()
    for name in imported(source):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            pure = any(within(source.module, package) for package in PURE)
            found |= {name} if pure and any(within(name, door) for door in OUTSIDE_WORLD) else set()
        elif top != "coterie" and top not in allowed(source.module):
            found.add(top)
    return found


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.module)
def test_only_allowed_imports(source: Source) -> None:
    assert not breaches(source)


@pytest.mark.parametrize(
    ("module", "text", "breach"),
    [
        ("coterie.server.operations.messages", "import nacl.secret", "nacl"),
        ("coterie.server.app", "from cryptography.hazmat.primitives import hpke", "cryptography"),
        ("coterie.server.operations.bans", "def ban():\n    import psycopg", "psycopg"),
        ("coterie.server.transport.http", "__import__('nacl')", "?"),
        ("coterie.server.app", "import importlib\nimportlib.import_module(name)", "?"),
        ("coterie.mls.group", "import msgspec", "msgspec"),
        ("coterie.mls", "from pathlib import Path", "pathlib"),
        ("coterie.protocol.links", "from urllib import request", "urllib.request"),
        ("coterie.governance.accept", "import random", "random"),
        ("coterie.sdk.client", "import psycopg_pool", "psycopg_pool"),
    ],
)
def test_a_breach_is_caught(module: str, text: str, breach: str) -> None:
    assert breach in breaches(Source(module, text))


def test_what_is_allowed_passes() -> None:
    storage = Source("coterie.server.storage.bans", "from psycopg.rows import dict_row\nimport os")
    links = Source("coterie.protocol.links", "from urllib.parse import quote\nimport msgspec")
    assert breaches(storage) == breaches(links) == set()
