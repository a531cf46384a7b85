"""From the command to a server that takes requests, with the PostgreSQL inside it."""

import time
from pathlib import Path

from bench.stage import Result, process


def start_warm(data: Path) -> Result:
    """The second start: the database is made, and the programs are in the machine's memory."""
    return {"first_seconds": _start(data), "ready_seconds": _start(data)}


def _start(data: Path) -> float:
    begin = time.perf_counter()
    with process("coterie", "serve", "--port", "0", "--data", str(data)) as (first, server):
        elapsed = time.perf_counter() - begin
        server.terminate()
    if "ready" not in first:
        raise SystemExit(f"The server did not start: {first}")
    return round(elapsed, 3)
