"""Tests that take the time are run while no other process of the same run tests anything."""

import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(*, alone: bool) -> Generator[None]:
    """Beside the others, or `alone`. Whoever wants to be alone keeps new ones out meanwhile."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        yield
        return
    place = Path(tempfile.gettempdir()) / f"coterie-tests-{run}"
    with Path(f"{place}.door").open("w") as door, Path(f"{place}.room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(door, fcntl.LOCK_UN)
        yield
