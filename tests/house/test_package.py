"""The package that is installed elsewhere carries its schema with it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.house.sources import ROOT


def test_an_installed_package_finds_its_schema(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(tmp_path)], check=True, cwd=ROOT, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    ask = "from coterie.server.storage.schema import SCHEMA; print(SCHEMA)"
    answer = subprocess.run(
        [sys.executable, "-c", ask],
        check=True, capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    found = Path(answer.stdout.strip())
    assert found.is_relative_to(tmp_path), "not in the checkout"
    theirs = {file.relative_to(found): file.read_text() for file in found.rglob("*.sql")}
    ours = ROOT / "postgres"
    assert theirs == {file.relative_to(ours): file.read_text() for file in ours.rglob("*.sql")}
