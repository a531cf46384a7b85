"""What others notice: of somebody who sends without end, and of a crowd that comes all at once."""

import base64
import secrets
import subprocess
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from statistics import median, quantiles
from typing import Literal

from bench.caller import Caller
from bench.population import CIPHERTEXT_BYTES, Seat, populate
from bench.stage import BUILD, Result, Stage

Beside = Literal["quiet", "flood", "stampede"]

CALM = 5
EVERY = 0.05
SECONDS = 4
FLOOD = 10_000
"""Messages a second, of one person."""
CONNECTIONS = 500
STAMPEDE = 2_000
SIZE = 10


def notice(stage: Stage, beside: Beside) -> Result:
    """Milliseconds until a message of somebody calm is acknowledged."""
    url = stage.database()
    seats = populate(url, groups=STAMPEDE // SIZE + CALM + 1, size=SIZE)
    flooder, *calm = seats[: (CALM + 1) * SIZE : SIZE]
    with stage.serving(url) as (port, pid), ThreadPoolExecutor(CALM) as people:
        list(people.map(_talk, repeat(port), calm, repeat(1)))
        plan = _plan(beside, flooder, seats[(CALM + 1) * SIZE :])
        with _loading(port, pid, plan, FLOOD if beside == "flood" else 0):
            taken = people.map(_talk, repeat(port), calm, repeat(SECONDS))
            times = [each * 1e3 for one in taken for each in one]
    return {"p50_ms": round(median(times), 3), "p95_ms": round(quantiles(times, n=20)[-1], 3)}


def _talk(port: int, seat: Seat, seconds: float) -> list[float]:
    """How long each message took."""
    end, taken = time.perf_counter() + seconds, list[float]()
    with Caller(port, seat.token) as caller:
        while (begin := time.perf_counter()) < end:
            entry = base64.b64encode(seat.message().entry).decode()
            caller.ask("POST", f"/conversations/{seat.group_id}/messages", {"entry": entry})
            taken.append(time.perf_counter() - begin)
            time.sleep(EVERY * (0.5 + secrets.randbelow(1_000) / 1_000))
    return taken


def _plan(beside: Beside, flooder: Seat, crowd: Sequence[Seat]) -> list[str]:
    match beside:
        case "quiet":
            return []
        case "flood":
            ids = flooder.device_id.hex, flooder.group_id.hex
            return [" ".join(("S", flooder.token, *ids))] * CONNECTIONS
        case "stampede":
            return [f"L {seat.token}" for seat in crowd]


@contextmanager
def _loading(port: int, pid: int, plan: Sequence[str], rate: float) -> Generator[None]:
    """The generator at work beside what is measured; it is not waited for."""
    if not plan:
        yield
        return
    command = [BUILD / "load", *map(str, (port, SECONDS, CIPHERTEXT_BYTES, pid, rate))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as load:
        assert load.stdin
        load.stdin.write("\n".join(plan).encode())
        load.stdin.close()
        try:
            yield
        finally:
            load.kill()
