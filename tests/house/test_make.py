"""`make serve` from outside: in the foreground, with its PostgreSQL, and gone when told."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from coterie.server.postgres import PostgresUnavailable, find_url
from tests.house.sources import ROOT


def test_serve_stops_with_its_process_group(tmp_path: Path) -> None:
    with subprocess.Popen(
        ["make", "serve", f"ARGS=--port 0 --data {tmp_path}"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as server:  # fmt: skip
        assert server.stdout
        said = next((line for line in server.stdout if "Coterie is ready at" in line), None)
        assert said, "it says where it listens"
        assert find_url(tmp_path), "ARGS reached it, and PostgreSQL is inside"
        begun = time.monotonic()
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        server.stdout.read()  # to the end: nobody of the group holds it open any more
    assert time.monotonic() - begun < 20
    with pytest.raises(PostgresUnavailable):
        find_url(tmp_path)
