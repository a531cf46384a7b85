"""One run of PostgreSQL's server process, from its start to its exit."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from coterie.server.postgres.cluster import Cluster
from coterie.server.postgres.locks import open_lock, try_lock
from coterie.server.postgres.pidfile import PidFile
from coterie.server.postgres.refusals import PostgresUnavailable

POLL = 0.01
ORPHAN_PATIENCE, ORPHAN_LIMIT = 2.0, 30.0
SLOW_START = 10.0
FAST_SHUTDOWN_LIMIT, IMMEDIATE_SHUTDOWN_LIMIT = 12.0, 5.0
"""Seconds. Both shutdowns together fit into the 20 s that `coterie serve` has to stop."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Log:
    """What one run says: `file` from the byte `begin` on."""

    file: Path
    begin: int

    def last_words(self) -> str:
        with self.file.open("rb") as file:
            file.seek(self.begin)
            return file.read()[-500:].decode(errors="replace").strip()


class Postmaster:
    """A started `postgres`. `exited` is set when it has ended, for whatever reason."""

    def __init__(self, process: subprocess.Popen[bytes], cluster: Cluster, log: Log) -> None:
        self.exited = asyncio.Event()
        self.cluster = cluster
        self._process = process
        self._log = log
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._reap, args=(loop,), name="postgres", daemon=True).start()

    @classmethod
    def start(cls, cluster: Cluster, arguments: list[str], log_file: Path, lock: int) -> Self:
        """`lock` (see `take_over`) goes to PostgreSQL and all its processes."""
        output = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            begin = os.fstat(output).st_size
            command = [cluster.binaries / "postgres", "-D", cluster.folder, *arguments]
            process = cluster.account.start(command, stdout=output, inherit=(lock,))
        finally:
            os.close(output)
        return cls(process, cluster, Log(log_file, begin))

    async def ready(self) -> None:
        """Return when connections are accepted, however long recovery takes."""
        slow = time.monotonic() + SLOW_START
        while not self._accepts():
            if self.exited.is_set():
                raise PostgresUnavailable(
                    f"PostgreSQL stopped while starting. Its last words: {self._log.last_words()}"
                    f" (more in {self._log.file})"
                )
            if time.monotonic() > slow:
                log.info("postgres.recovering", log=str(self._log.file))
                slow = float("inf")
            await asyncio.sleep(POLL)

    async def stop(self) -> None:
        """Cut clients off and write everything out; if that hangs, leave it to crash recovery."""
        for request, limit in (
            (signal.SIGINT, FAST_SHUTDOWN_LIMIT),
            (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_LIMIT),
        ):
            self._process.send_signal(request)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.exited.wait(), limit)
                return
        log.error("postgres.hangs", pid=self._process.pid)

    @property
    def code(self) -> int | None:
        """The exit code; minus the signal's number when a signal ended it."""
        return self._process.returncode

    def _accepts(self) -> bool:
        found = PidFile.read(self.cluster.folder)
        return found is not None and found.pid == self._process.pid and found.ready

    def _reap(self, loop: asyncio.AbstractEventLoop) -> None:
        self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self.exited.set)


async def take_over(cluster: Cluster, lock_file: Path) -> int:
    """Wait until no process of an earlier PostgreSQL is left in the cluster; return the lock held.

    Each of those processes inherited the lock, and the kernel frees it with the last of them. That
    is exact where `postmaster.pid` is not: with zombies, with reused process ids, in containers.
    """
    lock = open_lock(lock_file)
    begun = time.monotonic()
    asked = False
    while not try_lock(lock):
        waited = time.monotonic() - begun
        if waited > ORPHAN_LIMIT:
            os.close(lock)
            raise PostgresUnavailable(
                f"Processes of an earlier PostgreSQL still work on {cluster.folder} and do not end."
                f" Who they are: fuser -v {lock_file}"
            )
        if waited > ORPHAN_PATIENCE and not asked:
            asked = _ask_to_stop(cluster)
        await asyncio.sleep(POLL)
    return lock


def _ask_to_stop(cluster: Cluster) -> bool:
    """An orphan that the kernel did not stop for us, where it cannot: see `Account`."""
    orphan = PidFile.read(cluster.folder)
    if orphan and orphan.answers():
        os.kill(orphan.pid, signal.SIGINT)
    return True
