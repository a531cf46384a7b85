"""Commands as processes of their own, forked from one that has imported the program already.

Each has its own arguments, environment, working directory and streams, and ends by itself; what
it is spared is half a second of imports. How the installed program starts is tested where that
is the subject (`test_usage`, `Person.start`).
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import IO, NamedTuple

from coterie.cli.program import run

PATIENCE = 60  # seconds

_ready = get_context("forkserver")
_ready.set_forkserver_preload(["coterie.cli.program", "coterie.sdk"])


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def carry_out(
    words: Sequence[str], *, typed: str, cwd: Path | None, environment: Mapping[str, str]
) -> Done:
    """Run `coterie WORDS…` with `typed` on a standard input that is no terminal."""
    with ExitStack() as opened:
        streams = [opened.enter_context(tempfile.NamedTemporaryFile()) for _ in range(3)]
        streams[0].write(typed.encode())
        streams[0].flush()
        names = [stream.name for stream in streams]
        process = _ready.Process(target=_be, args=(words, names, cwd, dict(environment)))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"coterie {' '.join(words)} took over {PATIENCE} s")
        return Done(process.exitcode, _text(streams[1]), _text(streams[2]))


def _be(
    words: Sequence[str], streams: Sequence[str], cwd: Path | None, environment: dict[str, str]
) -> None:
    for number, name in enumerate(streams):
        os.dup2(os.open(name, os.O_RDWR), number)
    sys.stdin = os.fdopen(os.dup(0), encoding="utf-8")
    os.environ.clear()
    os.environ.update(environment)
    if cwd:
        os.chdir(cwd)
    sys.exit(run(words))


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()
