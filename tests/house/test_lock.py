"""What is installed is what `pyproject.toml` names, pinned and hashed."""

import re
import tomllib
from itertools import chain

from tests.house.sources import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def normal(name: str) -> str:
    """The spelling registries compare by (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_locked_at_its_version() -> None:
    lines = re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.M)
    locked = {(normal(name), version) for name, version in lines}
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    extras = project["optional-dependencies"].values()
    named = chain(project["dependencies"], *extras, *groups.values())
    pins = [re.sub(r"\[.*\]|;.*", "", each).split("==") for each in named]
    assert {(normal(name), version) for name, version in pins} <= locked


def test_the_lock_names_no_place() -> None:
    assert not re.search(r"://|file:|--index|--find-links|^-e|@ ", LOCK, re.M)


def test_everything_locked_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.split("\n", 1)[1])
    assert all("--hash=sha256:" in entry for entry in entries)
