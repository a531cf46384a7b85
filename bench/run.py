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
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.fanout import frame_bytes  # noqa: E402
from bench.files import transfer  # noqa: E402
from bench.history import read_latest  # noqa: E402
from bench.joining import join_by_link  # noqa: E402
from bench.others import Beside, notice  # noqa: E402
from bench.plots import draw  # noqa: E402
from bench.population import CIPHERTEXT_BYTES, Seat, populate  # noqa: E402
from bench.signing_in import sign_in  # noqa: E402
from bench.stage import BUILD, Result, Stage, build, lift_open_files, load, process, python  # noqa: E402
from bench.starting import start_warm  # noqa: E402
from coterie.server.postgres import Postgres  # noqa: E402
from coterie.server.storage.migrations import migrate  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "latest.json"
SENDERS = 64
MESSAGES = {"committer": 300, "single": 40, "bare": 300}
PEOPLE = 1000
JOINED = 16
SIZES = (2, 50, 200)
CROWDS = {2: PEOPLE, 10: 500, 50: PEOPLE, 200: PEOPLE}
"""The size of a group, and how many people are in such groups."""
LOADS = (10, 50, 90)
SECONDS = 3
IDLE = 10_000
JOINED_BY_LINK = (10, 100)
FILES = "files/1 GiB"
HISTORIES = (1_000, 1_000_000)
BESIDE: tuple[Beside, ...] = ("quiet", "flood", "stampede")


class Bench:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers = count(1)
        self._capacities: dict[int, int] = {}

    def committing(self, way: str) -> Result:
        """Durable messages a second at the committer's door."""
        arguments = [self._stage.database(), way, str(SENDERS), str(MESSAGES[way])]
        return json.loads(python("bench.committing", *arguments))

    def at_load(self, size: int, percent: int) -> Result:
        """At so much of what was possible before: times from when a message was to be sent."""
        if size not in self._capacities:
            self.over_http(size, listening=True)
        return self.over_http(size, listening=True, rate=self._capacities[size] * percent / 100)

    def over_http(self, size: int, listening: bool, rate: float = 0) -> Result:
        """Durable messages a second, and deliveries, through the whole server.

        As many as are possible, or `rate` messages a second.
        """
        url = self._stage.database()
        people = CROWDS[size] if listening else 2 * SENDERS
        seats = populate(url, groups=people // size, size=size)
        senders = seats[:: max(1, len(seats) // SENDERS)][:SENDERS]
        listeners = seats if listening else []
        plan = [f"L {seat.token}" for seat in listeners] + [_sends(seat) for seat in senders]
        with self._stage.serving(url) as (port, pid):
            measured = load(port, SECONDS, CIPHERTEXT_BYTES, pid, plan, rate)
        elapsed = measured["seconds"]
        messages = round(measured["acknowledged"] / elapsed)
        if listening and not rate:
            self._capacities[size] = messages
        return measured | {
            "messages_per_second": messages,
            "deliveries_per_second": round(measured["deliveries"] / elapsed),
        }

    def start_warm(self) -> Result:
        return start_warm(self._stage.folder / f"data-{next(self._numbers)}")

    def idle(self) -> Result:
        """What a connection that says nothing costs the server in memory (kB are 1,000 bytes)."""
        url = self._stage.database()
        plan = [f"L {seat.token}" for seat in populate(url, groups=IDLE // 10, size=10)]
        with self._stage.serving(url) as (port, pid):
            measured = load(port, 2, 0, pid, plan)
        if measured["errors"]:
            raise SystemExit(f"{measured['errors']} connections were lost")
        kilobytes = round(measured["server_bytes"] / measured["connections"] / 1000, 2)
        return {"connections": measured["connections"], "connection_kb": kilobytes}

    def latest(self, messages: int) -> Result:
        return read_latest(self._stage, messages)

    def transfer(self) -> Result:
        return transfer(self._stage)

    def join(self, members: int) -> Result:
        return join_by_link(self._stage, members)

    def sign_in(self) -> Result:
        return sign_in(self._stage)

    def notice(self, beside: Beside) -> Result:
        return notice(self._stage, beside)

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
    with process(program, *arguments) as (port, sender):
        received = load(port, 0, 0, sender.pid, plan)
        assert sender.stdout
        sent = json.loads(sender.stdout.readline())
    if received["deliveries"] != sent["all_deliveries"]:
        raise SystemExit(f"sent {sent['all_deliveries']}, received {received['deliveries']}")
    per_cpu_second = round(sent["deliveries"] / sent["cpu"])
    share = received["generator_cpu"]
    return sent | {"deliveries_per_cpu_second": per_cpu_second, "generator_cpu": share}


# --- what is measured, and what is asked of it


def measurements(bench: Bench) -> dict[str, Callable[[], Result]]:
    found: dict[str, Callable[[], Result]] = {
        f"commit/{way}": lambda way=way: bench.committing(way) for way in MESSAGES
    }
    found["start/warm"] = bench.start_warm
    found["idle connections"] = bench.idle
    for messages in HISTORIES:
        found[f"history/{messages:,}"] = lambda messages=messages: bench.latest(messages)
    found[FILES] = bench.transfer
    found["sign-in/100 groups"] = bench.sign_in
    for members in JOINED_BY_LINK:
        found[f"join/{members:,} members"] = lambda members=members: bench.join(members)
    for beside in BESIDE:
        found[f"others/{beside}"] = lambda beside=beside: bench.notice(beside)
    found["http/no listeners"] = lambda: bench.over_http(2, listening=False)
    for size in CROWDS:
        name = f"http/groups of {size}"
        found[name] = lambda size=size: bench.over_http(size, listening=True)
        for percent in LOADS:
            found[f"{name}/at {percent} %"] = lambda size=size, percent=percent: bench.at_load(
                size, percent
            )
    for size in SIZES:
        found[f"fan-out/{size}/floor"] = lambda size=size: bench.floor(size, 1)
        found[f"fan-out/{size}/single"] = lambda size=size: bench.fan_out(size, 1)
        found[f"fan-out/{size}/joined"] = lambda size=size: bench.fan_out(size, JOINED)
    return found


class Compared(NamedTuple):
    """A figure beside what is asked of it: `at least` or `at most` so much, or nothing."""

    of: str
    figure: float
    asked: tuple[Literal["at least", "at most"], float] | None = None

    @property
    def verdict(self) -> str:
        if self.asked is None:
            return ""
        bound, value = self.asked
        met = self.figure >= value if bound == "at least" else self.figure <= value
        return f"(asked: {bound} {value}) {'met' if met else 'MISSED'}"


class Question(NamedTuple):
    """A key of one measurement, over the same of another where there is one."""

    of: str
    key: str
    one: str
    other: str | None = None
    asked: tuple[Literal["at least", "at most"], float] | None = None

    def answer(self, medians: dict[str, Result]) -> Compared | None:
        if {self.one, self.other or self.one} <= medians.keys():
            figure = medians[self.one][self.key]
            beside = 1 if self.other is None else medians[self.other][self.key]
            return Compared(self.of, round(figure / beside, 2), self.asked)
        return None


def questions() -> list[Question]:
    rate, per_cpu = "messages_per_second", "deliveries_per_cpu_second"
    committer, single, bare = (f"commit/{way}" for way in MESSAGES)
    found = [
        Question(
            "committer against one message per commit", rate, committer, single, ("at least", 3.0)
        ),
        Question(
            "committer against bare batched inserts", rate, committer, bare, ("at least", 0.6)
        ),
        Question("seconds from a warm start", "ready_seconds", "start/warm", asked=("at most", 2)),
        Question(
            "kB for an idle connection",
            "connection_kb",
            "idle connections",
            asked=("at most", 16),
        ),
        Question(
            "latest 50 of 1,000,000 against of 1,000",
            "p50_ms",
            "history/1,000,000",
            "history/1,000",
            ("at most", 2),
        ),
        Question("1 GiB up, against cp", "upload_of_cp", FILES, asked=("at least", 0.5)),
        Question("1 GiB down, against cp", "download_of_cp", FILES, asked=("at least", 0.5)),
        Question("MiB more in memory for that", "more_mib", FILES, asked=("at most", 32)),
    ]
    for beside, of in (("flood", "one floods"), ("stampede", "a crowd comes")):
        found.append(
            Question(
                f"p95 of others while {of}, against quiet",
                "p95_ms",
                f"others/{beside}",
                "others/quiet",
                ("at most", 3),
            )
        )
    for size in SIZES:
        floor, single, joined = (f"fan-out/{size}/{way}" for way in ("floor", "single", "joined"))
        of = f"groups of {size}"
        found.append(Question(f"{of}: against C", per_cpu, single, floor, ("at least", 0.5)))
        found.append(Question(f"{of}: joining on", per_cpu, joined, single))
    return found


def compare(medians: dict[str, Result]) -> list[Compared]:
    """The answers to those questions whose measurements were made."""
    return [answer for question in questions() if (answer := question.answer(medians))]


def median_of(runs: list[Result]) -> Result:
    """Of each number by itself."""
    numbers = {key for run in runs for key, value in run.items() if isinstance(value, int | float)}
    medians: Result = {key: round(median(run[key] for run in runs), 3) for key in sorted(numbers)}
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
        "connection_kb": "kB for a connection",
        "p50_ms": "ms at the median",
        "p95_ms": "ms at 95 %",
        "p99_ms": "ms at 99 %",
        "cp_mib_s": "MiB/s by cp",
        "upload_mib_s": "MiB/s up",
        "download_mib_s": "MiB/s down",
        "more_mib": "MiB more in memory",
        "log_in_ms": "ms to log in",
        "sign_in_ms": "ms to sign in",
        "join_ms": "ms to join",
        "slowest_ms": "ms at most",
        "first_seconds": "s to the first start",
        "ready_seconds": "s to a warm one",
    }
    shown = [f"{result[key]:,} {name}" for key, name in names.items() if key in result]
    if "delivered_ms" in result:
        shown.append("{p50} / {p99} ms to deliver (50 / 99 %)".format(**result["delivered_ms"]))
    return ", ".join(shown)


def show(medians: dict[str, Result]) -> None:
    _say("\nMedians")
    for name, result in medians.items():
        _say(f"  {name:<26} {_short(result)}")
    _say("\nRatios")
    for compared in compare(medians):
        _say(f"  {compared.of:<44} {compared.figure:>8} {compared.verdict}")


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
        "ratios": [compared._asdict() for compared in compare(medians)],
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
    lift_open_files()
    folder = Path(tempfile.mkdtemp(prefix="coterie-bench-"))
    postgres = Postgres(folder / "data")
    with asyncio.Runner() as runner:
        runner.run(postgres.start())
        try:
            runner.run(migrate(postgres.url))
            runs = measure(Bench(Stage(postgres, folder)), chosen.only, chosen.repeats)
        finally:
            runner.run(postgres.stop())
            shutil.rmtree(folder)
    medians = {name: median_of(results) for name, results in runs.items()}
    show(medians)
    write(chosen.out, runs, medians)
    _say(f"\n{chosen.out} and {draw(chosen.out)}")


if __name__ == "__main__":
    main()
