"""Names say what a thing is. Where only a vague one comes to mind, a noun is missing."""

import ast

import pytest

from tests.house.sources import Source, sources

VAGUE_FILES = {"common", "core", "helper", "helpers", "lib", "misc", "shared", "util", "utils"}
VAGUE_CLASSES = ("Base", "Handler", "Helper", "Impl", "Manager", "Service", "Util", "Utils")

EVERYTHING = [*sources(), *sources("tests"), *sources("tools")]


def vague(source: Source) -> list[str]:
    files = [part for part in source.module.split(".") if part in VAGUE_FILES]
    classes = (node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.ClassDef))
    return files + [node.name for node in classes if node.name.endswith(VAGUE_CLASSES)]


@pytest.mark.parametrize("source", EVERYTHING, ids=lambda source: source.module)
def test_no_vague_names(source: Source) -> None:
    assert not vague(source)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("coterie.server.utils", ""),
        ("coterie.sdk.common.seals", ""),
        ("coterie.server.bans", "class BanManager: ..."),
    ],
)
def test_a_breach_is_caught(module: str, text: str) -> None:
    assert vague(Source(module, text))
