"""What may happen to a server, done to one at random, and undone.

A full disk is a limit on the size of files (RLIMIT_FSIZE): that needs no rights, and a write behind
it fails as it does where there is no room. Nobody's clock is moved: that takes rights over the
machine, or a library between us and PostgreSQL.
"""

import asyncio
import os
import resource
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from tests.nemesis.relay import Relay
from tests.support.server import Server

FROZEN_SECONDS: Final = 2.0
FULL_BYTES: Final = 1 << 20
FULL_SECONDS: Final = 3.0
RECOVERY_SECONDS: Final = 60.0
POLL: Final = 0.1
NO_LIMIT: Final = resource.RLIM_INFINITY


class Nemesis:
    """`done` names what was done, in order."""

    def __init__(self, server: Server, relay: Relay, random: Random) -> None:
        self.done: list[str] = []
        self._server = server
        self._relay = relay
        self._random = random
        self._faults: list[Callable[[], Awaitable[None]]] = [
            self.kill_server,
            self.kill_postgres,
            self.restart_postgres,
            self.freeze_server,
            self.freeze_postgres,
            self.fill_disk,
            self.cut_sockets,
        ]

    async def rage(self, seconds: float) -> None:
        """All, in an order of its own each time, each upon a server that has recovered."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        waiting: list[Callable[[], Awaitable[None]]] = []
        while loop.time() < end:
            waiting = waiting or self._random.sample(self._faults, len(self._faults))
            fault = waiting.pop()
            self.done.append(getattr(fault, "__name__", "?"))
            await fault()
            try:
                await recovered(self._server)
            except TimeoutError:
                raise AssertionError(f"the server has not recovered from {self.done}") from None
            await asyncio.sleep(self._random.uniform(0, 2))

    async def kill_server(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await self._server.restart()

    async def kill_postgres(self) -> None:
        self._server.kill_postgres()

    async def restart_postgres(self) -> None:
        os.kill(self._server.postgres_pid, signal.SIGINT)

    async def freeze_server(self) -> None:
        await _freeze([self._server.pid])

    async def freeze_postgres(self) -> None:
        await _freeze(descendants(self._server.postgres_pid))

    async def fill_disk(self) -> None:
        """Of the server, of PostgreSQL, and of the PostgreSQL that is started meanwhile."""
        limit_files(descendants(self._server.pid), FULL_BYTES)
        await asyncio.sleep(FULL_SECONDS)
        lift_limits(self._server.pid)

    async def cut_sockets(self) -> None:
        self._relay.cut()


async def recovered(server: Server) -> None:
    """Return when the server answers, and its database takes what is written."""
    async with asyncio.timeout(RECOVERY_SECONDS), aiohttp.ClientSession() as http:
        while not await _is_ready(http, server.url):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(POLL)


async def _is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _freeze(pids: Iterable[int]) -> None:
    pids = list(pids)
    _signal(pids, signal.SIGSTOP)
    await asyncio.sleep(FROZEN_SECONDS)
    _signal(pids, signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def limit_files(pids: Iterable[int], most: int) -> None:
    """No file of theirs grows beyond so many bytes."""
    for pid in pids:
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, NO_LIMIT))
        except ProcessLookupError:
            continue


def lift_limits(pid: int) -> None:
    """From a process and all that have come of it: also what is born of a limited one meanwhile."""
    while limited := [one for one in descendants(pid) if _is_limited(one)]:
        limit_files(limited, NO_LIMIT)


def _is_limited(pid: int) -> bool:
    try:
        return resource.prlimit(pid, resource.RLIMIT_FSIZE)[0] != NO_LIMIT
    except ProcessLookupError:
        return False


def descendants(pid: int) -> list[int]:
    """A process and all that have come of it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found
