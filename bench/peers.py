"""`make bench-peers`: Coterie and its peers, under the load generator that the peers share.

That generator, and the scripts that start the peers, are read where they lie: `../shared/bench`, or
where COTERIE_PEERS says; its README tells how the peers are installed. A peer that does not start
is named and left out. The generator is Python: where it takes all of a core, it was measured.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.population import populate  # noqa: E402
from bench.stage import Result, Stage, lift_open_files  # noqa: E402
from coterie.server.postgres import Postgres  # noqa: E402
from coterie.server.storage.migrations import migrate  # noqa: E402

SHARED = Path(os.environ.get("COTERIE_PEERS", ROOT.parent / "shared" / "bench"))
HOME = Path("/var/tmp/peers")  # noqa: S108 - where the scripts expect everything
PYTHON = HOME / "venv-bench" / "bin" / "python"
RESULTS = ROOT / "bench" / "results" / "peers.json"
PEERS = ("ejabberd", "nats", "synapse", "prosody")


class Workload(NamedTuple):
    groups: int
    members: int
    senders: int

    @property
    def key(self) -> str:
        return f"{self.groups}x{self.members}"


class Asked(NamedTuple):
    """At least so many times what the peer does."""

    workload: str
    peer: str
    key: str
    least: float


WORKLOADS = (
    Workload(1, 2, 2),
    Workload(50, 2, 50),
    Workload(1, 50, 16),
    Workload(1, 200, 16),
    Workload(50, 10, 50),
)
SYNAPSES = {"1x2": 2, "50x2": 25, "1x50": 8, "1x200": 4, "50x10": 25}
"""Its senders: more would only wait."""
ASKED = (
    Asked("1x2", "ejabberd", "accepted_s", 10),
    Asked("50x2", "ejabberd", "accepted_s", 10),
    Asked("1x50", "ejabberd", "deliveries_s", 30),
    Asked("1x200", "ejabberd", "deliveries_s", 30),
    Asked("1x50", "nats", "deliveries_s", 4),
    Asked("1x200", "nats", "deliveries_s", 4),
)


def require_generator() -> None:
    """Raises SystemExit, which says what is missing."""
    if not (SHARED / "loadgen.py").is_file():
        raise SystemExit(f"No load generator in {SHARED}: say with COTERIE_PEERS where it is.")
    if not PYTHON.is_file():
        raise SystemExit(f"{PYTHON} is missing: {SHARED / 'README.md'} says how it is made.")
    for name in ("run", "log", "state"):
        (HOME / name).mkdir(exist_ok=True)
    scripts = HOME / "bench"
    if not scripts.exists():
        scripts.symlink_to(SHARED)


@contextmanager
def started(name: str) -> Generator[bool]:
    """Whether the peer's script could start it; it is stopped afterwards."""
    script = subprocess.run(
        [SHARED / f"{name}-start.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    runs = script.returncode == 0
    if not runs:
        said = script.stdout.strip().splitlines() or ["nothing"]
        _say(f"  {name} is left out, for it does not start: {said[-1]}")
    try:
        yield runs
    finally:
        if runs:
            subprocess.run([SHARED / f"{name}-stop.sh"], check=False)


def measure(peer: list[str | Path], workload: Workload, seconds: int, **more: str) -> Result:
    """What the generator says, with senders that wait for each acknowledgement."""
    senders = SYNAPSES[workload.key] if peer[-1] == "synapse" else workload.senders
    options = {"groups": workload.groups, "members": workload.members, "senders": senders}
    command = [PYTHON, *peer, "send", "--secs", str(seconds), "--warm", "1"]
    command += [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **more}
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_coterie(folder: Path, seconds: int) -> dict[str, Result]:
    postgres = Postgres(folder / "data")
    with asyncio.Runner() as runner:
        runner.run(postgres.start())
        try:
            runner.run(migrate(postgres.url))
            return _serve(Stage(postgres, folder), seconds)
        finally:
            runner.run(postgres.stop())


def _serve(stage: Stage, seconds: int) -> dict[str, Result]:
    url = stage.database()
    seats = {
        one.key: [
            (seat.token, seat.device_id.hex, seat.group_id.hex)
            for seat in populate(url, one.groups, one.members)
        ]
        for one in WORKLOADS
    }
    plan, pidfile = stage.folder / "seats.json", stage.folder / "server.pid"
    postmaster = next(stage.folder.rglob("postmaster.pid"))
    with stage.serving(url) as (port, pid):
        pidfile.write_text(str(pid))
        pidfiles = [str(pidfile), str(postmaster)]
        plan.write_text(json.dumps({**seats, "port": port, "pidfiles": pidfiles}))
        adapter: list[str | Path] = [ROOT / "bench" / "adapter.py", SHARED, "coterie"]
        return _each("coterie", adapter, seconds, COTERIE_SEATS=str(plan))


def measure_peer(name: str, seconds: int) -> dict[str, Result]:
    with started(name) as runs:
        return _each(name, [SHARED / "loadgen.py", name], seconds) if runs else {}


def _each(name: str, peer: list[str | Path], seconds: int, **more: str) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for workload in WORKLOADS:
        try:
            found[workload.key] = measure(peer, workload, seconds, **more)
        except subprocess.CalledProcessError:
            _say(f"  {name} {workload.key}: the generator gave up")
            continue
        _say(f"  {name} {workload.key}: {_short(found[workload.key])}")
    return found


def _short(result: Result) -> str:
    return (
        f"{result['accepted_s']:,} messages/s, {result['deliveries_s']:,} deliveries/s,"
        f" {result['cpu_gen']} % of a core for the generator, {result['missing']} missing"
    )


def compare(found: dict[str, dict[str, Result]]) -> list[str]:
    """How many times what each peer does, and what is asked of that."""
    asked = {(one.workload, one.peer, one.key): one.least for one in ASKED}
    lines: list[str] = []
    for name in (name for name in found if name != "coterie"):
        for key in (key for key in found[name] if key in found["coterie"]):
            for figure in ("accepted_s", "deliveries_s"):
                with suppress(ZeroDivisionError):
                    ratio = found["coterie"][key][figure] / found[name][key][figure]
                    lines.append(_line(name, key, figure, ratio, asked.get((key, name, figure))))
    return lines


def _line(name: str, key: str, figure: str, ratio: float, least: float | None) -> str:
    verdict = "met" if least is not None and ratio >= least else "MISSED"
    bound = "" if least is None else f"(asked: at least {least}) {verdict}"
    return f"  {key:>6} {figure:<12} against {name:<9} {ratio:>8.2f} {bound}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure Coterie beside its peers.")
    parser.add_argument("--seconds", type=int, default=6, help="for each workload")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    require_generator()
    lift_open_files()
    folder = Path(tempfile.mkdtemp(prefix="coterie-peers-"))
    try:
        found = {"coterie": measure_coterie(folder, chosen.seconds)}
    finally:
        shutil.rmtree(folder)
    with started("pg"):
        found |= {name: measure_peer(name, chosen.seconds) for name in chosen.peers}
    ratios = compare(found)
    _say("\nRatios\n" + "\n".join(ratios))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps({"found": found, "ratios": ratios}, indent=1) + "\n")


if __name__ == "__main__":
    main()
