"""docs/protocol.md and the code say the same."""

import re
from pathlib import Path

from coterie.governance.certificates import CertificateType
from coterie.governance.rules.rule import Rule

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()
SOURCES = sorted((ROOT / "src" / "coterie").rglob("*.py"))


def test_every_rule_is_explained_once_and_nothing_else() -> None:
    explained = re.findall(r"^\| `((?!coterie)[a-z_]+\.[a-z_]+)` \| ", DOCUMENT, flags=re.MULTILINE)
    assert sorted(explained) == sorted(Rule)


def test_every_rule_is_used() -> None:
    rules = ROOT / "src" / "coterie" / "governance"
    code = "".join(path.read_text() for path in rules.rglob("*.py"))
    unused = [rule for rule in Rule if f"Rule.{rule.name}" not in code]
    assert not unused


def test_every_label_of_a_signature_is_listed() -> None:
    signed = {
        label
        for path in SOURCES
        for label in re.findall(
            r'\b(?:sign|verify)\(\s*[\w.]+,\s*(?:[\w.]+,\s*)?"([a-z-]+)"', path.read_text()
        )
    }
    assert {"leave", "revoke", "join", "acceptance"} <= signed, "the search finds what there is"
    unlisted = [label for label in signed if f"| `{label}` |" not in DOCUMENT]
    assert not unlisted


def test_the_types_of_certificates_are_shown() -> None:
    for kind in CertificateType:
        assert f"type {kind.value}:" in DOCUMENT
