"""Members whose clients run in a few processes of their own, as people have machines of their own.

`python -m tests.support.talkers GROUP HOME…` opens these profiles. For each line of its input it
prints one of JSON: "read" and "send" do that with all its clients at once; "heard" tells what each
finds said, as a list of [text, problem].
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from coterie.sdk import Client
from tests.support.server import environment

PROCESSES: Final = 4

Said = tuple[str | None, str | None]
"""A message's text and its problem."""


class Talkers:
    """The processes; each does what it is told for all its members."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    async def read(self) -> None:
        await self._all("read")

    async def send(self) -> None:
        """Each says their own name."""
        await self._all("send")

    async def heard(self, limit: int) -> list[list[Said]]:
        """The newest messages, as each member has them."""
        answers = await self._all(f"heard {limit}")
        return [one for answer in answers for one in answer]

    async def _all(self, line: str) -> list[Any]:
        return await asyncio.gather(*(_tell(process, line) for process in self._processes))


@asynccontextmanager
async def talking(group: str, homes: Sequence[Path]) -> AsyncGenerator[Talkers]:
    """All have opened their profiles, and done nothing yet."""
    shares = [homes[start::PROCESSES] for start in range(min(PROCESSES, len(homes)))]
    processes = [await _start(group, share) for share in shares]
    try:
        await asyncio.gather(*(_answer(process) for process in processes))
        yield Talkers(processes)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def _start(group: str, homes: Iterable[Path]) -> Process:
    command = (sys.executable, "-m", "tests.support.talkers", group, *map(str, homes))
    root = Path(__file__).parents[2]
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, env=environment(), cwd=root
    )


async def _tell(process: Process, line: str) -> Any:
    assert process.stdin
    process.stdin.write(f"{line}\n".encode())
    return await _answer(process)


async def _answer(process: Process) -> Any:
    assert process.stdout
    return msgspec.json.decode(await process.stdout.readline())


# --- in the processes


async def _talk(group: str, homes: Iterable[str]) -> None:
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(Client.open(Path(home))) for home in homes]
        _print(None)
        while line := (await asyncio.to_thread(sys.stdin.readline)).split():
            _print(await asyncio.gather(*map(_deed(line, group), clients)))


def _deed(line: Sequence[str], group: str) -> Callable[[Client], Coroutine[Any, Any, Any]]:
    match line:
        case ["read"]:
            return lambda client: _heard(client, group, 1)
        case ["send"]:
            return lambda client: client.send(group, client.username)
        case ["heard", limit]:
            return lambda client: _heard(client, group, int(limit))
        case _:
            raise ValueError(line)


async def _heard(client: Client, group: str, limit: int) -> list[Said]:
    messages = await client.read(group, limit=limit)
    return [(message.text, message.problem) for message in messages]


def _print(answer: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_talk(sys.argv[1], sys.argv[2:]))
