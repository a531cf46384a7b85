"""Where atheris is not to be had (it is for Linux), its runs are left out; CI insists on them."""

import asyncio
import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.fuzz.prepared import Prepared
from tests.house.sources import ROOT
from tests.support.server import Server

collect_ignore = (
    [] if find_spec("atheris") or os.environ.get("CI") == "true" else ["test_parsers.py"]
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """OpenAPI, as generated."""
    return json.loads((ROOT / "docs" / "openapi.gen.json").read_text())


@pytest.fixture(scope="module")
def prepared(
    document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Prepared]]:
    """A server, and the world that has lived on it."""
    folder = tmp_path_factory.mktemp("fuzz")
    with Server(folder / "data", "--entries-per-second", "100000") as server:
        world = Prepared(list(document["paths"]))
        asyncio.run(world.live(server.url, folder))
        yield server, world
