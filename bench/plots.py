"""The page of plots of a run: `python bench/plots.py [RESULTS.json]` draws it anew beside the JSON.

Each plot shows what was measured, and nothing where a run left it out.
"""

# pyright: reportUnknownMemberType=false
# matplotlib leaves keyword arguments without types.

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results" / "latest.json"

Medians = dict[str, dict[str, Any]]


def draw(results: Path) -> Path:
    """Where the page is: an SVG of the same name."""
    report = json.loads(results.read_text())
    plots: list[Callable[[Axes, Medians], None]] = [
        _commits,
        _capacity,
        _latency,
        _fan_out,
        _histories,
        _files,
    ]
    figure, axes = pyplot.subplots(3, 2, figsize=(12, 13), layout="constrained")
    for axis, plot in zip(axes.flat, plots, strict=True):
        plot(axis, report["medians"])
    figure.suptitle(f"{report['at']}: {report['machine']['cores']} cores, medians")
    page = results.with_suffix(".svg")
    figure.savefig(page)
    pyplot.close(figure)
    return page


def _commits(axes: Axes, medians: Medians) -> None:
    _bars(axes, medians, "commit/", "messages_per_second")
    axes.set(title="Durable messages at the committer", ylabel="messages/s")


def _capacity(axes: Axes, medians: Medians) -> None:
    full = {name: one for name, one in medians.items() if "/at " not in name}
    _bars(axes, full, "http/groups of ", "deliveries_per_second")
    axes.set(title="Deliveries through the whole server", xlabel="members", ylabel="deliveries/s")


def _latency(axes: Axes, medians: Medians) -> None:
    """By the load; the 99 % dashed."""
    lines: dict[str, list[tuple[int, float, float]]] = {}
    for name, one in medians.items():
        group, found, percent = name.partition("/at ")
        if found:
            times = one["delivered_ms"]
            load = int(percent.removesuffix(" %"))
            lines.setdefault(group.removeprefix("http/"), []).append(
                (load, times["p50"], times["p99"])
            )
    for number, (group, points) in enumerate(lines.items()):
        loads, half, most = zip(*points, strict=True)
        axes.plot(loads, half, "o-", color=f"C{number}", label=group)
        axes.plot(loads, most, "o--", color=f"C{number}")
    axes.set(title="Time to deliver: 50 %, and 99 % dashed", xlabel="% of capacity", ylabel="ms")
    if lines:
        axes.set_yscale("log")
        axes.legend()


def _fan_out(axes: Axes, medians: Medians) -> None:
    _bars(axes, medians, "fan-out/", "deliveries_per_cpu_second")
    axes.set(title="Fan-out alone", ylabel="deliveries per CPU-second")


def _histories(axes: Axes, medians: Medians) -> None:
    _bars(axes, medians, "history/", "p50_ms")
    axes.set(title="The latest 50 messages", xlabel="messages in the group", ylabel="ms")


def _files(axes: Axes, medians: Medians) -> None:
    keys = {"cp": "cp_mib_s", "up": "upload_mib_s", "down": "download_mib_s"}
    for one in (one for name, one in medians.items() if name.startswith("files/")):
        axes.bar(list(keys), [one[key] for key in keys.values()])
    axes.set(title="A file of 1 GiB", ylabel="MiB/s")


def _bars(axes: Axes, medians: Medians, prefix: str, key: str) -> None:
    shown = {
        name.removeprefix(prefix): one[key]
        for name, one in medians.items()
        if name.startswith(prefix)
    }
    axes.bar(list(shown), list(shown.values()))
    axes.tick_params("x", labelrotation=30 if len(shown) > 4 else 0)


if __name__ == "__main__":
    sys.stdout.write(f"{draw(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)}\n")
