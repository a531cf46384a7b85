"""The threat model opens with what the server knows: every column, and nothing else."""

import re
from pathlib import Path

import psycopg
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"
CLASSES = {"known", "sealed", "sealed and known"}

SEALED = {
    "users.identity_ciphertext",
    "group_invites.anchor_ciphertext",
    "welcomes.welcome",
    "messages.content_ciphertext",
    "entries.content",
    "reactions.emoji",
    "removed_reactions.emoji",
    "files.filename",
}
"""What the protocol seals. A column that joins or leaves this list is a decision of a person."""


@pytest.fixture(scope="module")
def classes() -> dict[str, str]:
    """`table.column` to its class, in the order of the page."""
    section = PAGE.read_text().partition("## What the server knows")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for part in section.split("\n### ")[1:]:
        table = part.split("\n", 1)[0].strip()
        for column, kind in re.findall(r"^\| (\w+) \| ([\w ]+) \|", part, re.M):
            if column != "column":
                assert f"{table}.{column}" not in found, f"{table}.{column} stands there twice"
                found[f"{table}.{column}"] = kind
    return found


def columns(database_url: str) -> set[str]:
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    with psycopg.connect(database_url) as connection:
        return {f"{t}.{c}" for t, c in connection.execute(query, ["public"]).fetchall()}


def test_every_column_is_classified_and_every_classified_column_exists(
    classes: dict[str, str], database_url: str
) -> None:
    existing = columns(database_url)
    assert existing - set(classes) == set(), "columns that docs/threat-model.md does not classify"
    assert set(classes) - existing == set(), "docs/threat-model.md names columns that do not exist"


def test_a_column_is_sealed_or_known(classes: dict[str, str]) -> None:
    assert {kind for kind in classes.values()} <= CLASSES
    assert {name for name, kind in classes.items() if "sealed" in kind} == SEALED


def test_it_opens_with_what_the_server_knows_and_goes_on_with_can_and_cannot() -> None:
    page = PAGE.read_text()
    assert re.findall(r"^## (.*)$", page, re.M)[0] == "What the server knows"
    assert "**Cannot**" in page
    assert "**Can**" in page


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(?:tests/(\w+)/)?(test_\w+\.py)`", PAGE.read_text()))
    assert named, "its sentences under *cannot* name tests"
    tests = PAGE.parents[1] / "tests"
    assert [
        name for folder, name in named if not (tests / (folder or "security") / name).exists()
    ] == []
