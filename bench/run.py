"""`make bench`: what a message and a delivery cost, against floors. Medians of three.

Everything runs on this machine alone: the embedded PostgreSQL set as it is shipped, the server, and
the load generator, which all compete for the same cores. Ratios within one run mean more than
absolute numbers; the generator's share of a core is shown.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.fanout import frame_bytes  # noqa: E402
from bench.population import CIPHERTEXT_BYTES, Seat, populate  # noqa: E402
from coterie.server.postgres import Postgres  # noqa: E402
from coterie.server.storage.migrations import migrate  # noqa: E402

BUILD = ROOT / "bench" / "build"
RESULTS = ROOT / "bench" / "results" / "latest.json"
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
SENDERS = 64
MESSAGES = {"committer": 300, "single": 40, "bare": 300}
PEOPLE = 1000
JOINED = 16
SIZES = (2, 50, 200)
SECONDS = 3

Result = dict[str, Any]


def build() -> None:
    """Compile the generator and the floor with the machine's C compiler ($CC, else cc)."""
    BUILD.mkdir(exist_ok=True)
    for name in ("load", "floor"):
        source, program = ROOT / "bench" / f"{name}.c", BUILD / name
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O2", "-Wall", "-o", program, source], check=True)


class Bench:
    def __init__(self, postgres: Postgres, folder: Path) -> None:
        self._postgres = postgres
        self._folder = folder
        self._numbers = count(1)

    def database(self) -> str:
        """A new one for each measurement, so that none finds what another left."""
        name = f"bench_{next(self._numbers)}"
        statement = SQL("CREATE DATABASE {} TEMPLATE chatapp OWNER dev").format(Identifier(name))
        with psycopg.connect(self._postgres.superuser_url, autocommit=True) as connection:
            connection.execute(statement)
            connection.execute("CHECKPOINT")
        return make_conninfo(self._postgres.url, dbname=name)

    def committing(self, way: str) -> Result:
        """Durable messages a second at the committer's door."""
        arguments = [self.database(), way, str(SENDERS), str(MESSAGES[way])]
        return json.loads(_python("bench.committing", *arguments))

    def over_http(self, size: int, listening: bool) -> Result:
        """Durable messages a second, and deliveries, through the whole server."""
        url = self.database()
        people = PEOPLE if listening else 2 * SENDERS
        seats = populate(url, groups=people // size, size=size)
        senders = seats[:: max(1, len(seats) // SENDERS)][:SENDERS]
        listeners = seats if listening else []
        plan = [f"L {seat.token}" for seat in listeners] + [_sends(seat) for seat in senders]
        with _process("bench.serving", str(self._folder / "server"), url) as (first, process):
            port = first.rpartition(":")[2]
            measured = _load(port, SECONDS, CIPHERTEXT_BYTES, process.pid, plan)
            process.terminate()
        elapsed = measured["seconds"]
        return measured | {
            "messages_per_second": round(measured["acknowledged"] / elapsed),
            "deliveries_per_second": round(measured["deliveries"] / elapsed),
        }

    def fan_out(self, size: int, joined: int) -> Result:
        return _fan_out("bench.fanout", str(PEOPLE), str(size), str(joined), str(SECONDS))

    def floor(self, size: int, joined: int) -> Result:
        arguments = (str(PEOPLE), str(size), str(frame_bytes()), str(joined), str(SECONDS))
        return _fan_out(BUILD / "floor", *arguments)


def _sends(seat: Seat) -> str:
    return f"S {seat.token} {seat.device_id.hex} {seat.group_id.hex}"


def _fan_out(program: str | Path, *arguments: str) -> Result:
    """Deliveries for a second of the sender's CPU; every one of them was received."""
    plan = [f"L {number}" for number in range(PEOPLE)]
    with _process(program, *arguments) as (port, process):
        received = _load(port, 0, 0, process.pid, plan)
        assert process.stdout
        sent = json.loads(process.stdout.readline())
    if received["deliveries"] != sent["all_deliveries"]:
        raise SystemExit(f"sent {sent['all_deliveries']}, received {received['deliveries']}")
    per_cpu_second = round(sent["deliveries"] / sent["cpu"])
    share = received["generator_cpu"]
    return sent | {"deliveries_per_cpu_second": per_cpu_second, "generator_cpu": share}


def _load(port: str, seconds: int, size: int, pid: int, plan: list[str]) -> Result:
    command = [BUILD / "load", port, str(seconds), str(size), str(pid)]
    text = "\n".join(plan)
    done = subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _python(module: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    ).stdout


@contextmanager
def _process(program: str | Path, *arguments: str) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """A Python module or another program, and its first line."""
    start = [program] if isinstance(program, Path) else [sys.executable, "-m", program]
    process = subprocess.Popen(
        [*start, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    assert process.stdout
    with process:
        yield process.stdout.readline().strip(), process


# --- what is measured, and what is asked of it


def measurements(bench: Bench) -> dict[str, Callable[[], Result]]:
    found: dict[str, Callable[[], Result]] = {
        f"commit/{way}": lambda way=way: bench.committing(way) for way in MESSAGES
    }
    found["http/no listeners"] = lambda: bench.over_http(2, listening=False)
    for size in SIZES:
        found[f"http/groups of {size}"] = lambda size=size: bench.over_http(size, listening=True)
        found[f"fan-out/{size}/floor"] = lambda size=size: bench.floor(size, 1)
        found[f"fan-out/{size}/single"] = lambda size=size: bench.fan_out(size, 1)
        found[f"fan-out/{size}/joined"] = lambda size=size: bench.fan_out(size, JOINED)
    return found


def ratios(medians: dict[str, Result]) -> list[tuple[str, float, float | None]]:
    """What is compared, the ratio, and the least that is asked."""

    def ratio(key: str, one: str, other: str) -> float:
        return round(medians[one][key] / medians[other][key], 2)

    rate, per_cpu = "messages_per_second", "deliveries_per_cpu_second"
    found: list[tuple[str, float, float | None]] = []
    if {"commit/committer", "commit/single", "commit/bare"} <= medians.keys():
        found += [
            (
                "committer against one message per commit",
                ratio(rate, "commit/committer", "commit/single"),
                3.0,
            ),
            (
                "committer against bare batched inserts",
                ratio(rate, "commit/committer", "commit/bare"),
                0.6,
            ),
        ]
    for size in SIZES:
        floor, single, joined = (f"fan-out/{size}/{way}" for way in ("floor", "single", "joined"))
        if {floor, single, joined} <= medians.keys():
            found.append((f"groups of {size}: against C", ratio(per_cpu, single, floor), 0.5))
            found.append((f"groups of {size}: joining on", ratio(per_cpu, joined, single), None))
    return found


def median_of(runs: list[Result]) -> Result:
    """Of each number by itself."""
    numbers = {key for run in runs for key, value in run.items() if isinstance(value, int | float)}
    medians: Result = {key: median(run[key] for run in runs) for key in sorted(numbers)}
    for key in ("acknowledged_ms", "delivered_ms"):
        if key in runs[0]:
            medians[key] = {part: median(run[key][part] for run in runs) for part in ("p50", "p99")}
    return medians


def measure(bench: Bench, wanted: str, repeats: int) -> dict[str, list[Result]]:
    """In rounds, so that what is compared was measured under the same neighbours."""
    chosen = {name: run for name, run in measurements(bench).items() if wanted in name}
    runs: dict[str, list[Result]] = {name: [] for name in chosen}
    for turn in range(repeats):
        for name, run in chosen.items():
            result = run()
            runs[name].append(result)
            _say(f"  {turn + 1}/{repeats} {name}: {_short(result)}")
    return runs


# --- what is shown


def _short(result: Result) -> str:
    names = {
        "messages_per_second": "messages/s",
        "deliveries_per_second": "deliveries/s",
        "deliveries_per_cpu_second": "deliveries per CPU-second",
        "generator_cpu": "of a core for the generator",
    }
    return ", ".join(f"{result[key]:,} {name}" for key, name in names.items() if key in result)


def show(medians: dict[str, Result]) -> None:
    _say("\nMedians")
    for name, result in medians.items():
        _say(f"  {name:<26} {_short(result)}")
    _say("\nRatios")
    for name, ratio, least in ratios(medians):
        verdict = (
            "" if least is None else f"(asked: {least}) {'met' if ratio >= least else 'MISSED'}"
        )
        _say(f"  {name:<44} {ratio:>6} {verdict}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def write(path: Path, runs: dict[str, list[Result]], medians: dict[str, Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "load_average": os.getloadavg()[0],
        },
        "ratios": [{"of": n, "ratio": r, "asked": least} for n, r, least in ratios(medians)],
        "medians": medians,
        "runs": runs,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a message and a delivery cost.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    build()
    folder = Path(tempfile.mkdtemp(prefix="coterie-bench-"))
    postgres = Postgres(folder / "data")
    with asyncio.Runner() as runner:
        runner.run(postgres.start())
        try:
            runner.run(migrate(postgres.url))
            runs = measure(Bench(postgres, folder), chosen.only, chosen.repeats)
        finally:
            runner.run(postgres.stop())
            shutil.rmtree(folder)
    medians = {name: median_of(results) for name, results in runs.items()}
    show(medians)
    write(chosen.out, runs, medians)


if __name__ == "__main__":
    main()
