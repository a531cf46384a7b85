"""A server of file contents in a house of its own, and what a test does there."""

import io
import re
import shutil
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from aiohttp import ClientSession
from psycopg import AsyncConnection

from coterie.server.operations.access import Actor
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.database import Database
from coterie.server.storage.shelves import Shelf
from tests.server.content_server import serving, token_of
from tests.server.population import Population

ROOT = Path(__file__).parents[2]


class House(NamedTuple):
    """A server, its folder, and a group of two with a stranger outside."""

    url: str
    folder: Path
    database: Database
    blobs: Blobs
    client: ClientSession
    population: Population
    alice: Actor
    bela: Actor
    mallory: Actor
    group: UUID

    async def put(self, actor: Actor, file_id: UUID, data: Any) -> tuple[int, Any]:
        """What is not bytes at hand begins when the server asks for it: by then it has looked."""
        at_hand = isinstance(data, bytes)
        async with self.client.put(
            self.address(file_id),
            data=io.BytesIO(data) if at_hand else data,
            headers=token_of(actor),
            expect100=not at_hand,
        ) as response:
            return response.status, (await response.json()).get("code")

    async def get(self, actor: Actor, file_id: UUID, **headers: str) -> tuple[int, bytes]:
        async with self.client.get(
            self.address(file_id), headers={**token_of(actor), **headers}
        ) as response:
            return response.status, await response.read()

    def address(self, file_id: UUID) -> str:
        return f"{self.url}/api/v1/files/{file_id}/content"

    async def reserve(self, size: int, *, uploader: Actor | None = None) -> UUID:
        file_id = await self.population.file(self.group, uploader or self.alice, uploaded=False)
        await self.population.run("UPDATE files SET size_bytes = %s WHERE id = %s", size, file_id)
        return file_id

    async def uploaded(self, data: bytes, *, uploader: Actor | None = None) -> UUID:
        file_id = await self.reserve(len(data), uploader=uploader)
        assert await self.put(uploader or self.alice, file_id, data) == (200, None)
        return file_id

    async def attach(self, file_id: UUID, seq: int) -> int:
        """Hang the file on a message with this number."""
        rows = await self.population.run(
            "INSERT INTO messages (sender_id, group_id, conversation_id, seq) VALUES"
            " (%s, %s, %s, %s) RETURNING id",
            self.alice.user_id,
            self.group,
            self.group,
            seq,
        )
        await self.population.run(
            "UPDATE files SET message_id = %s WHERE id = %s", rows[0][0], file_id
        )
        return rows[0][0]

    def kept(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@asynccontextmanager
async def a_house(
    database_url: str, folder: Path, shelf: Shelf | None = None
) -> AsyncGenerator[House]:
    database, blobs = Database(database_url), Blobs(folder, shelf)
    await database.open()
    blobs.prepare()
    async with (
        serving(database, blobs) as url,
        ClientSession() as client,
        await AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        population = Population(connection)
        alice, bela, mallory = await population.people(3)
        group = await population.group(alice, bela)
        yield House(
            url,
            folder,
            database,
            blobs,
            client,
            population,
            alice,
            bela,
            mallory,
            group,
        )
    await blobs.close()
    await database.close()


@asynccontextmanager
async def server_process(
    house: House, database_url: str, *prefix: str
) -> AsyncGenerator[tuple[House, Process]]:
    """The same house, served by another process."""
    process = await create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "tests.server.content_server",
        database_url,
        str(house.folder),
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield house._replace(url=url), process
    finally:
        process.stdin.close()
        await process.wait()


def strace(folder: Path, calls: str) -> tuple[str, ...]:
    """What stands before a command whose `system_calls` are wanted, with 200 bytes of each."""
    program = shutil.which("strace")
    assert program, "this test needs strace (apt-get install strace)"
    output = str(folder / "trace")
    return program, "-ff", "-ttt", "-T", "-y", "-s", "200", "-o", output, "-e", f"trace={calls}"


def system_calls(folder: Path) -> list[str]:
    """The system calls of all threads, in the order in which they returned."""
    found: list[tuple[float, str]] = []
    for file in folder.glob("trace.*"):
        for line in file.read_text(errors="replace").splitlines():
            if match := re.match(r"([\d.]+) (.*) <([\d.]+)>$", line):
                found.append((float(match[1]) + float(match[3]), match[2]))
    return [call for _, call in sorted(found)]


def assert_order(done: list[str], *patterns: str) -> None:
    """There are such calls, each after the one before it."""
    at = 0
    for pattern in patterns:
        at = next((at for at in range(at, len(done)) if re.match(pattern, done[at])), -1) + 1
        assert at, f"no {pattern} where it belongs"


def last(done: list[str], pattern: str) -> int:
    return max(at for at, call in enumerate(done) if re.match(pattern, call))
