"""Seconds of a machine of one's own: what others use of its processors does not count."""

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


class Stopwatch:
    """Counts from its making. `pids` are the processes that are ours, with all below them."""

    def __init__(self, *pids: int) -> None:
        self._pids = {os.getpid(), *pids}
        self._begun = self._look()

    def seconds(self) -> float:
        """Since it was made: by the wall's clock, less what others kept the processors busy."""
        wall, busy, own = (now - then for now, then in zip(self._look(), self._begun, strict=True))
        others = max(0.0, busy - own) / CORES
        return max(wall - others, own / CORES)

    def _look(self) -> tuple[float, float, float]:
        return time.monotonic(), _busy(), _used_by(self._pids)


def _busy() -> float:
    """All processors, all processes, since the machine started; what a host took away as well."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS


def _used_by(pids: set[int]) -> float:
    """By these processes and everything they have started."""
    processes = [found for entry in Path("/proc").glob("[0-9]*") if (found := _stat(entry))]
    mine, grown = set(pids), True
    while grown:
        below = {pid for pid, parent, _ in processes if parent in mine} - mine
        grown = bool(below)
        mine |= below
    return sum(used for pid, _, used in processes if pid in mine) / TICKS


def _stat(entry: Path) -> tuple[int, int, int] | None:
    """pid, parent, and ticks used with those of children waited for; None if it has ended."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(entry.name), int(fields[1]), sum(map(int, fields[11:15]))
