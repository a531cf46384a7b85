"""One Node for all. Where mls-rs has no wheel its tests are left out; CI insists on them."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.interop.ts_mls import TsMls, ts_mls

collect_ignore = (
    []
    if find_spec("mls_rs_uniffi") or os.environ.get("CI") == "true"
    else ["test_mls_rs.py", "test_random.py"]
)


@pytest.fixture(scope="session")
def node() -> Iterator[TsMls]:
    with ts_mls() as process:
        yield process
