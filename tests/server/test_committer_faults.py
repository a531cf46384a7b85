"""The committer against a real PostgreSQL: what locks and faults cost, and whom."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL

from coterie.protocol import limits
from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.errors import Internal, NotFound, RateLimited, Taken, Unavailable
from coterie.protocol.header import Header
from coterie.server.operations.access import Actor
from coterie.server.realtime.committer import OVERLAP_MESSAGES, Committer, running_committer
from coterie.server.realtime.hub import Hub
from tests.server.committing import log_of, outcomes, refusal
from tests.server.population import Population, message

pytestmark = pytest.mark.timeout(60)


# --- locks


async def test_who_was_banned_while_the_lock_was_held_sends_nothing(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice, bela = await population.people(2)
    group = await population.group(alice, bela)
    async with _locked(database_url, group) as ban:
        sending = asyncio.create_task(committer.send(bela, message(bela, group)))
        await _until_somebody_waits(population)
        await ban.execute("DELETE FROM group_members WHERE user_id = %s", (bela.user_id,))

    assert await refusal(sending) == NotFound("conversation")


async def test_a_conversation_that_stays_locked_harms_no_other(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    stuck, fine = [await population.group(alice) for _ in range(2)]
    async with _locked(database_url, stuck):
        answers = await outcomes(
            committer, (alice, message(alice, stuck)), (alice, message(alice, fine))
        )

    assert answers[0] == Unavailable()
    assert isinstance(answers[1], Accepted)


async def test_who_comes_while_a_batch_is_written_does_not_wait_for_it(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    slow, quick = [await population.group(alice) for _ in range(2)]
    stalled = message(alice, slow)
    async with _writing_stalled(population, database_url, stalled):
        sending = asyncio.create_task(committer.send(alice, stalled))
        await _until_somebody_waits(population)
        sent = [(alice, message(alice, quick)) for _ in range(OVERLAP_MESSAGES)]
        answers = await outcomes(committer, *sent)
        assert not sending.done()

    assert [answer.seq for answer in answers] == list(range(1, OVERLAP_MESSAGES + 1))
    assert (await sending).seq == 1


async def test_two_batches_at_a_time_keep_the_order_of_a_conversation(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    stalled = message(alice, group)
    async with _writing_stalled(population, database_url, stalled):
        first = asyncio.create_task(committer.send(alice, stalled))
        await _until_somebody_waits(population)
        sent = [(alice, message(alice, group)) for _ in range(OVERLAP_MESSAGES)]
        rest = asyncio.create_task(outcomes(committer, *sent))
        await _until_somebody_waits(population, 2)

    assert [(await first).seq, *(one.seq for one in await rest)] == list(range(1, len(sent) + 2))


async def test_what_repeats_a_message_that_is_being_written_waits_for_it(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    here, elsewhere, quick = [await population.group(alice) for _ in range(3)]
    stalled = message(alice, here)
    client_id = Header.decode(stalled.entry).client_id
    async with _writing_stalled(population, database_url, stalled):
        first = asyncio.create_task(committer.send(alice, stalled))
        await _until_somebody_waits(population)
        again = asyncio.create_task(committer.send(alice, stalled))
        taken = message(alice, elsewhere, client_id=client_id)
        other = asyncio.create_task(refusal(committer.send(alice, taken)))
        sent = [(alice, message(alice, quick)) for _ in range(OVERLAP_MESSAGES)]
        answers = await outcomes(committer, *sent)
        assert not again.done()
        assert not other.done()

    assert all(isinstance(answer, Accepted) for answer in answers)
    assert await again == await first
    assert await other == Taken("message")


async def test_a_write_that_waits_too_long_may_be_tried_again(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    stalled = message(alice, await population.group(alice))
    async with _writing_stalled(population, database_url, stalled):
        assert await refusal(committer.send(alice, stalled)) == Unavailable()

    assert (await committer.send(alice, stalled)).seq == 1


@asynccontextmanager
async def _locked(url: str, conversation_id: UUID) -> AsyncGenerator[AsyncConnection[Any]]:
    """A transaction that holds the conversation's lock, and commits in the end."""
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute(
            "SELECT FROM conversations WHERE id = %s FOR NO KEY UPDATE", (conversation_id,)
        )
        yield connection


@asynccontextmanager
async def _writing_stalled(
    population: Population, url: str, command: SendMessage
) -> AsyncGenerator[None]:
    """Whoever writes this message waits meanwhile, with the locks of its batch."""
    await _on_insert(population, command, "PERFORM pg_advisory_xact_lock(1); RETURN NEW;")
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(1)")
        yield


async def _on_insert(population: Population, command: SendMessage, body: LiteralString) -> None:
    function = SQL("CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS {}")
    await population.connection.execute(function.format(f"BEGIN {body} END"))
    trigger = SQL(
        "CREATE TRIGGER fault BEFORE INSERT ON messages FOR EACH ROW"
        " WHEN (NEW.client_id = {}) EXECUTE FUNCTION fault()"
    )
    client_id = Header.decode(command.entry).client_id
    await population.connection.execute(trigger.format(client_id))


async def _until_somebody_waits(population: Population, count: int = 1) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while (await population.run(waiting))[0][0] < count:
        pass


# --- faults


async def test_one_bad_row_harms_no_neighbour(population: Population, committer: Committer) -> None:
    alice = await population.person()
    group = await population.group(alice)
    sent = [(alice, message(alice, group)) for _ in range(21)]
    await _on_insert(population, sent[13][1], "RAISE EXCEPTION 'a fault';")

    answers = await outcomes(committer, *sent)

    assert isinstance(answers.pop(13), Internal)
    assert sorted(answer.seq for answer in answers) == list(range(1, 21))


async def test_where_the_disk_is_full_a_message_may_be_tried_again(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    sent = message(alice, await population.group(alice))
    await _on_insert(population, sent, "RAISE disk_full;")

    assert await refusal(committer.send(alice, sent)) == Unavailable()
    await population.connection.execute("DROP TRIGGER fault ON messages")
    assert (await committer.send(alice, sent)).seq == 1


async def test_a_lost_connection_neither_loses_nor_doubles_a_message(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    groups = [await population.group(alice) for _ in range(4)]
    answered: list[Accepted] = []
    cuts = {20: asyncio.Event(), 60: asyncio.Event(), 100: asyncio.Event()}

    async def talk(group: UUID) -> None:
        for _ in range(50):
            answered.append(await committer.send(alice, message(alice, group)))
            if cut_now := cuts.get(len(answered)):
                cut_now.set()

    async def cut() -> None:
        for cut_now in cuts.values():
            await cut_now.wait()
            await population.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    await asyncio.gather(cut(), *map(talk, groups))

    for group in groups:
        assert [row[0] for row in await log_of(population, group)] == list(range(1, 51))
    assert len({answer.message_id for answer in answered}) == 200


async def test_without_a_database_senders_are_told_unavailable() -> None:
    actor = Actor(uuid4(), uuid4(), b"")
    async with running_committer("host=/nowhere dbname=none", Hub()) as committer:
        command = message(actor, uuid4())
        assert await refusal(committer.send(actor, command)) == Unavailable()


async def test_a_sender_who_gives_up_takes_nobody_along(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    async with _locked(database_url, group):
        tasks = [
            asyncio.create_task(committer.send(alice, message(alice, group))) for _ in range(9)
        ]
        await _until_somebody_waits(population)
        tasks[4].cancel()

    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(answers.pop(4), asyncio.CancelledError)
    assert all(isinstance(answer, Accepted) for answer in answers)


async def test_a_dead_committing_task_is_replaced(
    population: Population, committer: Committer, database_url: str
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    async with _locked(database_url, group):
        sending = asyncio.create_task(committer.send(alice, message(alice, group)))
        await _until_somebody_waits(population)
        for task in asyncio.all_tasks():
            if task.get_name() == "committer":
                task.cancel()
        assert await refusal(sending) == Unavailable()

    assert isinstance(await committer.send(alice, message(alice, group)), Accepted)


async def test_the_queue_has_an_end() -> None:
    actor = Actor(uuid4(), uuid4(), b"")
    committer = Committer("", Hub())
    command = message(actor, uuid4())
    waiting = [
        asyncio.create_task(committer.send(actor, command))
        for _ in range(limits.QUEUE_MESSAGES + 1)
    ]
    (refused,), waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    assert await refusal(refused) == RateLimited(retry_after=1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_when_the_server_stops_is_committed(
    population: Population, database_url: str
) -> None:
    alice = await population.person()
    stuck, fine = [await population.group(alice) for _ in range(2)]
    async with running_committer(database_url, Hub()) as committer, AsyncExitStack() as lock:
        await lock.enter_async_context(_locked(database_url, stuck))
        first = asyncio.create_task(committer.send(alice, message(alice, stuck)))
        await _until_somebody_waits(population)
        queued = asyncio.create_task(committer.send(alice, message(alice, fine)))
        await _until_somebody_waits(population)
        unlocking = asyncio.create_task(lock.pop_all().aclose())

    await unlocking
    assert [(await first).seq, (await queued).seq] == [1, 1]
    assert await refusal(committer.send(alice, message(alice, fine))) == Unavailable()
