"""Promise: whatever happens to the server, what was acknowledged is there, once, for everybody.

COTERIE_NEMESIS_RUNS=10 does it more often, COTERIE_NEMESIS_SECONDS=300 longer; COTERIE_SEED repeats
what the clients and the nemesis choose, though not how it falls together. It is printed first.
"""

import os
import secrets
from pathlib import Path

import psycopg
import pytest

from tests.nemesis.checkers import check_all
from tests.nemesis.run import lived

RUNS = int(os.environ.get("COTERIE_NEMESIS_RUNS") or 1)
SECONDS = int(os.environ.get("COTERIE_NEMESIS_SECONDS") or 30)
SEED = int(os.environ.get("COTERIE_SEED") or secrets.randbits(31))


@pytest.mark.timeout(600 + 2 * SECONDS)
@pytest.mark.parametrize("number", range(RUNS))
async def test_nothing_is_lost_or_doubled(number: int, tmp_path: Path) -> None:
    seed = SEED + number
    print(f"COTERIE_SEED={seed}")  # noqa: T201
    async with lived(seed, tmp_path, SECONDS) as run:
        print(run.summary)  # noqa: T201
        with psycopg.connect(run.database_url) as connection:
            assert check_all(run.evidence(connection)) == [], f"COTERIE_SEED={seed}"
        assert "command.failed" not in run.server.logs, "no fault is an error nobody expected"
        assert "Traceback" not in run.server.logs
