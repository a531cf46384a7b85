"""Promise: the tests that guard the promises would notice.

Each `tests/broken/*.patch` breaks one defence in a copy of the sources, and names the test that
must then fail, and what it must say. That the same test passes without the patch, the rest of the
run shows. Which attack each stands for, says `docs/attacks.md`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / "tests" / "broken").glob("*.patch"))
COPIED = ("src", "tests", "tools", "postgres", "pyproject.toml")
DEFENCES = {
    "no-accept-on-roles",
    "no-certificate-check",
    "no-final-tag-check",
    "no-lock",
    "no-membership-check",
    "plaintext-send",
}
FAILED = 1
"""pytest's exit code when tests ran and failed; 2 to 5 mean that they did not run."""


def test_every_defence_has_its_broken_build() -> None:
    assert {patch.stem for patch in PATCHES} >= DEFENCES


@pytest.mark.timeout(300)
@pytest.mark.parametrize("patch", PATCHES[::2], ids=lambda patch: patch.stem)
class TestOneHalf:
    """Of the builds: tests of one class run in one process, and these take long."""

    def test_a_broken_build_is_noticed(self, patch: Path, tmp_path: Path) -> None:
        check_noticed(patch, tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("patch", PATCHES[1::2], ids=lambda patch: patch.stem)
class TestOtherHalf:
    def test_a_broken_build_is_noticed(self, patch: Path, tmp_path: Path) -> None:
        check_noticed(patch, tmp_path)


def check_noticed(patch: Path, tmp_path: Path) -> None:
    copy = copy_sources(tmp_path / "copy")
    break_it(copy, patch)
    test, reason = named_in(patch, "Test"), named_in(patch, "Says")
    run = run_test(copy, test)
    report = run.stdout[-3000:] + run.stderr[-1000:]
    assert run.returncode == FAILED, f"{test} does not notice {patch.stem}:\n{report}"
    assert re.search(r"\b1 failed\b", run.stdout), f"{test} did not run:\n{report}"
    assert re.search(reason, run.stdout), f"{test} fails for another reason:\n{report}"


def named_in(patch: Path, field: str) -> str:
    found = re.search(rf"^{field}: (.+)$", patch.read_text(), re.MULTILINE)
    assert found, f"{patch.name} has no line {field}:"
    return found[1]


def copy_sources(copy: Path) -> Path:
    copy.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def break_it(copy: Path, patch: Path) -> None:
    applied = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", patch], cwd=copy, capture_output=True, text=True
    )
    assert applied.returncode == 0, (
        f"{patch.name} does not apply any more: renew it.\n{applied.stderr}"
    )


def run_test(copy: Path, test: str) -> subprocess.CompletedProcess[str]:
    """With the copy's sources, in this process's interpreter. It waits for no turn: ours is its."""
    inherited = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        cwd=copy,
        env={**inherited, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
    )
