"""A database as pg_dump writes it and pg_restore reads it, as streams."""

import asyncio
import os
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import IO, Final

from coterie.protocol import limits
from coterie.server.administration.refusals import Impossible
from coterie.server.postgres.binaries import find_binaries

PART_BYTES: Final = 16 * limits.MIB
"""A dump is kept in parts of this size: how long it gets is not known when it begins."""
LINE_BYTES: Final = 16 * limits.MIB

_DUMP: Final = ("--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges")
_RESTORE: Final = (
    "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname",
)  # fmt: skip


async def dump(environment: dict[str, str], snapshot: str) -> AsyncGenerator[bytes]:
    """The parts of the database's dump, as one snapshot saw it. Raises Impossible."""
    options = (*_DUMP, f"--snapshot={snapshot}")
    async with _program("pg_dump", *options, stdout=PIPE, environment=environment) as process:
        assert process.stdout is not None  # noqa: S101
        while part := await _read(process.stdout, PART_BYTES):
            yield part


@asynccontextmanager
async def restoring(environment: dict[str, str]) -> AsyncGenerator[asyncio.StreamWriter]:
    """Where to write a dump; everything is committed on leaving, or nothing. Raises Impossible."""
    options = (*_RESTORE, environment["PGDATABASE"])
    async with _program("pg_restore", *options, stdin=PIPE, environment=environment) as process:
        assert process.stdin is not None  # noqa: S101
        yield process.stdin
        process.stdin.close()


class Uploaded:
    """The rows of `files` in a dump, found by the very program that would restore it."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[asyncio.StreamWriter]:
        """Where to write the dump; on leaving `sizes` are known by storage path. Raises
        Impossible."""
        options = ("--data-only", "--table=files", "--file=-")
        async with _program("pg_restore", *options, stdin=PIPE, stdout=PIPE) as process:
            assert process.stdin is not None  # noqa: S101
            assert process.stdout is not None  # noqa: S101
            rows = asyncio.create_task(self._read(process.stdout))
            try:
                yield process.stdin
                process.stdin.close()
                await rows
            finally:
                rows.cancel()

    async def _read(self, printed: asyncio.StreamReader) -> None:
        async with aclosing(_copied(printed)) as rows:
            async for row in rows:
                if row["uploaded_at"] != r"\N":
                    self.sizes[row["storage_path"]] = int(row["size_bytes"])


async def _copied(printed: asyncio.StreamReader) -> AsyncGenerator[dict[str, str]]:
    """The rows between `COPY … FROM stdin;` and `\\.`; what we look at is never escaped."""
    columns: list[str] | None = None
    async for line in _lines(printed):
        if columns is None and line.startswith("COPY public.files ("):
            columns = line.partition("(")[2].rpartition(")")[0].split(", ")
        elif line == r"\.":
            columns = None
        elif columns is not None:
            yield dict(zip(columns, line.split("\t"), strict=True))


async def _lines(printed: asyncio.StreamReader) -> AsyncIterator[str]:
    async for line in printed:
        yield line.decode().removesuffix("\n")


async def write(out: asyncio.StreamWriter, block: bytes) -> None:
    """To a program that may have ended: why, it says itself."""
    with suppress(ConnectionError):
        out.write(block)
        await out.drain()


async def _read(stream: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await stream.readexactly(size)
    except asyncio.IncompleteReadError as end:
        return end.partial


@asynccontextmanager
async def _program(
    name: str,
    *options: str,
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    environment: dict[str, str] | None = None,
) -> AsyncGenerator[Process]:
    """One of PostgreSQL's programs, which has done its work on leaving. Raises Impossible."""
    with tempfile.TemporaryFile() as complaints:
        process = await asyncio.create_subprocess_exec(
            find_binaries() / name,
            *options,
            stdin=stdin,
            stdout=stdout,
            stderr=complaints,
            env={**os.environ, **(environment or {}), "LC_ALL": "C"},
            limit=LINE_BYTES,
        )
        try:
            yield process
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            raise Impossible("database_failed", f"{name} failed: {_complaint(complaints)}")


def _complaint(complaints: IO[bytes]) -> str:
    """The first one alone: what follows it may quote rows."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").splitlines()
    errors = (line.partition("error: ")[2] for line in lines if "error: " in line)
    return next(errors, "it does not say why")
