"""A few prepared statements in one round trip: sent together, answered together.

psycopg's pipeline looks at the socket after every statement and wakes for every answer; at 64
messages to a batch that was a third of what the batch cost this process.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch, send
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)


class Statement(NamedTuple):
    """Its parameters are `$1`, `$2`, … and come, as its results do, in binary form."""

    name: str
    text: str


class Call(NamedTuple):
    statement: Statement
    parameters: Sequence[bytes] = ()


class Exchange:
    """A connection that does nothing else. It opens and ends no transaction by itself."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self._connection = connection
        self._rows = Transformer(connection)

    @classmethod
    async def open(
        cls, connection: AsyncConnection[TupleRow], statements: Iterable[Statement]
    ) -> Self:
        """Take over a connection and prepare the statements. Raises psycopg.Error."""
        exchange = cls(connection)
        connection.pgconn.enter_pipeline_mode()
        await connection.wait(_prepare(connection.pgconn, list(statements)))
        return exchange

    async def run(self, *calls: Call) -> list[list[Any]]:
        """The rows that each call returned. Raises psycopg.Error: that of the first to fail."""
        results = await self._connection.wait(_communicate(self._connection.pgconn, calls))
        return [self._load(result) for result in results]

    def _load(self, result: PGresult) -> list[Any]:
        if not result.ntuples:
            return []
        self._rows.set_pgresult(result)
        return self._rows.load_rows(0, result.ntuples, tuple)


def _prepare(pgconn: PGconn, statements: Sequence[Statement]) -> PQGen[list[PGresult]]:
    for statement in statements:
        pgconn.send_prepare(statement.name.encode(), statement.text.encode())
    return (yield from _answers(pgconn, len(statements)))


def _communicate(pgconn: PGconn, calls: Sequence[Call]) -> PQGen[list[PGresult]]:
    for statement, parameters in calls:
        formats = [Format.BINARY] * len(parameters)
        pgconn.send_query_prepared(
            statement.name.encode(), parameters, formats, result_format=Format.BINARY
        )
    return (yield from _answers(pgconn, len(calls)))


def _answers(pgconn: PGconn, count: int) -> PQGen[list[PGresult]]:
    """One result to each of `count` commands, once all of them were answered."""
    pgconn.pipeline_sync()
    yield from send(pgconn)
    results: list[PGresult] = []
    for _ in range(count):
        result = yield from fetch(pgconn)
        if result is None:
            raise OperationalError("the connection was lost", pgconn=pgconn)
        results.append(result)
        yield from fetch(pgconn)  # None: the end of what one command answers
    yield from fetch(pgconn)  # the answer to the synchronisation
    for result in results:
        if result.status in _FAILED:
            raise error_from_result(result)
    return results
