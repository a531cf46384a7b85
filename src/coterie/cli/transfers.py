"""Progress of uploads and downloads, on a terminal's stderr."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from coterie.cli.output import one_line

Progress = Callable[[str, int, int], None]
"""Called with the file's name, the bytes passed so far, and all of them."""


@contextmanager
def progress_bars() -> Generator[Progress | None]:
    """One bar per file while it moves; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def moved(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(one_line(name), total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield moved
