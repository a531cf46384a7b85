"""What is generated equals the contract, and the contract is documented whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coterie.protocol import errors, limits
from coterie.protocol.api import API
from coterie.protocol.events import AnyEvent
from coterie.protocol.roles import Action
from tests.support.server import environment

ROOT = Path(__file__).parents[2]
UNITS = {"KIB", "MIB", "GIB", "MINUTE", "HOUR", "DAY"}


@pytest.fixture(scope="module")
def reference() -> str:
    return (ROOT / "docs" / "reference.gen.md").read_text()


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "generate.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment())


def test_the_generated_files_are_current() -> None:
    checked = generate("--check")
    assert checked.returncode == 0, checked.stderr


def test_a_stale_file_is_named(tmp_path: Path) -> None:
    assert generate(tmp_path).returncode == 0
    assert generate("--check", tmp_path).returncode == 0
    with (tmp_path / "docs" / "reference.gen.md").open("a") as page:
        page.write("one more command\n")
    checked = generate("--check", tmp_path)
    assert checked.returncode == 1
    assert checked.stderr == "Out of date: docs/reference.gen.md. Run `make generate`.\n"


def test_every_command_with_its_address(reference: str) -> None:
    for row in API:
        assert f"### {row.command.__name__}\n\n`{row.method} {row.path}`" in reference


def test_every_body_in_json_and_in_msgpack() -> None:
    """The server reads and answers both: `test_pipes.py`."""
    document = json.loads((ROOT / "docs" / "openapi.gen.json").read_text())
    both = {"application/json", "application/msgpack"}
    assert document["components"]["responses"]["Refused"]["content"].keys() == both
    for row in API:
        operation = document["paths"][row.path][row.method.lower()]
        assert operation["responses"]["200"]["content"].keys() == both, row
        if body := operation.get("requestBody"):
            assert body["content"].keys() == both, row
    assert "requestBody" in document["paths"]["/groups"]["post"]


def test_every_event_with_its_op(reference: str) -> None:
    for shape in AnyEvent.__args__:
        tag = shape.__struct_config__.tag
        assert f"### {shape.__name__} (op {tag})" in reference


def test_every_refusal_with_its_status(reference: str) -> None:
    for shape in errors.AnyRefusal.__args__:
        tag = shape.__struct_config__.tag
        assert f"| `{tag}` | {shape.status} |" in reference


def test_every_limit_and_every_action(reference: str) -> None:
    names = {name for name in vars(limits) if name.isupper()} - UNITS
    assert names == set(re.findall(r"^\| `([A-Z_]+)` \|", reference, re.M))
    for action in Action:
        assert f"| `{action.value}` |" in reference
