"""Every parser is fed what nobody would send, and says nothing but what it may.

COTERIE_FUZZ_SECONDS=3600 does it longer, COTERIE_SEED repeats a run: it is printed first. What is
found stays in the folder that the failure names.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import NAMES, target
from tests.house.sources import ROOT

SECONDS = int(os.environ.get("COTERIE_FUZZ_SECONDS") or 2)


@pytest.mark.timeout(300 + SECONDS)
@pytest.mark.parametrize("name", NAMES)
def test_only_its_own_refusals(name: str, tmp_path: Path) -> None:
    seed = os.environ.get("COTERIE_SEED") or str(secrets.randbits(31))
    print(f"COTERIE_SEED={seed}")  # noqa: T201
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.program", name, tmp_path / "samples"),
            *(f"-max_total_time={SECONDS}", f"-seed={seed}", f"-artifact_prefix={tmp_path}/"),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, f"COTERIE_SEED={seed}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"


@pytest.mark.parametrize("name", NAMES)
def test_every_parser_has_a_sample_that_it_takes(name: str) -> None:
    assert target(name).idle() == []
