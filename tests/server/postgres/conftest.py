"""Programs that are ended whatever the test does, and folders that every user can enter."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec

import pytest

from tests.server.postgres.programs import Program, launch, readable_copy, wait_for_end

Options = ParamSpec("Options")


def remembering(
    made: list[Program], make: Callable[Options, Program]
) -> Callable[Options, Program]:
    def remember(*arguments: Options.args, **options: Options.kwargs) -> Program:
        made.append(make(*arguments, **options))
        return made[-1]

    return remember


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    """`launch`, with an end: whoever still runs stops, and takes PostgreSQL along."""
    launched: list[Program] = []
    yield remembering(launched, launch)
    for each in launched:
        if each.process.poll() is None:
            each.stop()
        each.process.communicate()
    for each in launched:
        wait_for_end(each.data)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own temporary folder is its user's alone."""
    with tempfile.TemporaryDirectory(prefix="coterie-test-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


@pytest.fixture(scope="session")
def readable() -> Iterator[Path]:
    """Sources and PostgreSQL's programs where every user can read them."""
    folder = Path(tempfile.mkdtemp(prefix="coterie-test-"))
    folder.chmod(0o755)
    yield readable_copy(folder)
    shutil.rmtree(folder)
