"""Durable messages a second, in three ways.

    python -m bench.committing URL committer|single|bare SENDERS MESSAGES

committer   through the committer, as the server does it
single      the same statements with one message to a commit, each sender on a connection of its own
bare        nothing but batches of inserts into the same table, one after the other: no questions
            asked, nobody answered, the batch as large as there are senders
Prints one line of JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import uvloop
from psycopg import AsyncConnection

from bench.population import Seat, populate
from coterie.protocol.chain import next_link
from coterie.protocol.commands import SendMessage
from coterie.protocol.header import CLIENT
from coterie.server.app import spare_the_collector
from coterie.server.operations.budgets import of_conversations
from coterie.server.realtime.committer import running_committer
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.judgement import check, decide
from coterie.server.storage.arrays import bigints, byteas, raw_uuids, uuids
from coterie.server.storage.batches import Batches, Numbered
from coterie.server.storage.exchange import Call, Exchange, Statement

Work = list[tuple[Seat, list[SendMessage]]]
"""What each sender sends, one after the other. Made before the clock starts."""


class Spent(NamedTuple):
    """Seconds on the clock, and of this process's CPU."""

    elapsed: float
    cpu: float


BEGIN = Statement("begin", "BEGIN")
COMMIT = Statement("commit", "COMMIT")
INSERT = Statement(
    "insert",
    """
    INSERT INTO messages (sender_id, group_id, conversation_id, seq, epoch, device_id, client_id,
                          content_ciphertext, entry_hash, chain)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[],
                         $6::uuid[], $7::uuid[], $8::bytea[], $9::bytea[], $10::bytea[])
    RETURNING id
    """,
)


async def with_committer(url: str, work: Work) -> Spent:
    async with running_committer(url, Hub(), 1_000_000) as committer:

        async def talk(seat: Seat, messages: Sequence[SendMessage]) -> None:
            actor = seat.actor
            for message in messages:
                await committer.send(actor, message)

        await talk(work[0][0], [work[0][0].message()])  # connects and prepares
        return await _timed(lambda: asyncio.gather(*(talk(*one) for one in work)))


async def with_single_commits(url: str, work: Work) -> Spent:
    connections = [await Batches.connect(url) for _ in work]
    budget = of_conversations(1_000_000)

    async def talk(batches: Batches, seat: Seat, messages: Sequence[SendMessage]) -> None:
        actor = seat.actor
        for message in messages:
            sent = check(actor, message)
            judged = await batches.judge([sent])
            verdicts = decide([(sent, judged[0])], {}, budget)
            numbered = [verdict for verdict in verdicts if isinstance(verdict, Numbered)]
            await batches.write(numbered)

    for batches, (seat, _) in zip(connections, work, strict=True):
        await talk(batches, seat, [seat.message()])
    spent = await _timed(
        lambda: asyncio.gather(
            *(talk(batches, *one) for batches, one in zip(connections, work, strict=True))
        )
    )
    for batches in connections:
        await batches.close()
    return spent


async def with_bare_inserts(url: str, work: Work) -> Spent:
    connection = await AsyncConnection.connect(url, autocommit=True)
    exchange = await Exchange.open(connection, (BEGIN, INSERT, COMMIT))
    batches = [_numbered(work, turn) for turn in range(len(work[0][1]))]

    async def insert() -> None:
        for rows in batches:
            await exchange.run(Call(BEGIN), Call(INSERT, _columns(rows)), Call(COMMIT))

    spent = await _timed(insert)
    await connection.close()
    return spent


def _numbered(work: Work, turn: int) -> list[Numbered]:
    """The rows of one batch, numbered and chained beforehand."""
    sent = [check(seat.actor, messages[turn]) for seat, messages in work]
    return [
        Numbered(s, None, None, turn + 1, next_link(bytes(32), turn + 1, s.entry_hash))
        for s in sent
    ]


def _columns(rows: Sequence[Numbered]) -> list[bytes]:
    sent = [row.sent for row in rows]
    return [
        uuids([row.sender_id for row in sent]),
        uuids([row.conversation_id for row in sent]),
        uuids([row.conversation_id for row in sent]),
        bigints([row.seq for row in rows]),
        bigints([row.epoch for row in sent]),
        uuids([row.device_id for row in sent]),
        raw_uuids([row.entry[CLIENT] for row in sent]),
        byteas([row.entry for row in sent]),
        byteas([row.entry_hash for row in sent]),
        byteas([row.chain for row in rows]),
    ]


async def _timed(run: Callable[[], Awaitable[Any]]) -> Spent:
    begin, used = time.perf_counter(), time.process_time()
    await run()
    return Spent(time.perf_counter() - begin, time.process_time() - used)


WAYS = {"committer": with_committer, "single": with_single_commits, "bare": with_bare_inserts}


def main(url: str, way: str, senders: int, messages: int) -> None:
    seats = populate(url, groups=senders, size=2)[::2]
    work = [(seat, [seat.message() for _ in range(messages)]) for seat in seats]
    spare_the_collector()
    spent = uvloop.run(WAYS[way](url, work))
    count = senders * messages
    result = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "messages": count,
        "seconds": round(spent.elapsed, 3),
        "messages_per_second": round(count / spent.elapsed),
        "python_us_per_message": round(spent.cpu / count * 1e6, 1),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
