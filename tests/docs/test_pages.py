"""The pages exist, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/protocol.md",
    "docs/mls-validation.md",
    "docs/self-hosting.md",
    "docs/threat-model.md",
    "docs/attacks.md",
    "docs/reference.gen.md",
    "docs/adr/README.md",
]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    broken = [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()]
    assert broken == []


def test_the_readme_fits_a_screen() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 60
    assert {"make serve", "make demo"} <= {line.split("  ")[0].strip() for line in lines}


def test_security_says_that_nobody_from_outside_has_looked() -> None:
    assert "no outside review" in (ROOT / "SECURITY.md").read_text()


def test_every_decision_is_listed_and_says_what_is_given_up() -> None:
    folder = ROOT / "docs" / "adr"
    listed = LINK.findall((folder / "README.md").read_text())
    decisions = sorted(path.name for path in folder.glob("0*.md"))
    assert listed == decisions
    for name in decisions:
        text = (folder / name).read_text()
        assert all(f"**{part}.**" in text for part in ("Situation", "Decision", "Given up")), name


def test_every_folder_of_the_readme_exists() -> None:
    tree = (ROOT / "README.md").read_text().split("```")[5]
    named = re.findall(r"^( {0,2})([\w./]+)", tree, re.M)
    for indent, name in named:
        path = ROOT / ("src/coterie" if indent else "") / name
        assert path.exists(), path
