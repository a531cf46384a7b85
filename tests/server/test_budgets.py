"""Budgets: much at once, less in the long run, and nobody pays for anybody else."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from aiohttp import ClientSession
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.errors import (
    CommitRefused,
    EpochStale,
    NotFound,
    RateLimited,
    Refused,
    Unavailable,
)
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Role
from coterie.server.app import running
from coterie.server.config import Config, ConfigRefused
from coterie.server.operations.budgets import REMEMBERED, SECOND, Budget
from coterie.server.postgres import Postgres
from tests.server.client import Person, group_of, outcome, refusal

LIMIT = (10, 5)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


def spent(budget: Budget, user_id: UUID) -> bool:
    try:
        budget.spend(user_id)
    except Refused:
        return False
    return True


# --- one budget


def test_all_of_it_at_once_and_then_as_it_fills() -> None:
    clock, bela = Clock(), uuid4()
    budget = Budget(LIMIT, clock)
    assert [spent(budget, bela) for _ in range(12)] == [True] * 10 + [False] * 2
    clock.now += SECOND
    assert [spent(budget, bela) for _ in range(4)] == [True] * 2 + [False] * 2
    clock.now += 100 * SECOND
    assert [spent(budget, bela) for _ in range(12)] == [True] * 10 + [False] * 2


def test_a_refusal_says_in_whole_seconds_when_there_is_room_again() -> None:
    clock, bela = Clock(), uuid4()
    budget = Budget((1, 5), clock)
    budget.spend(bela)
    for waited, left in ((0, 5), (1, 4), (SECOND, 4), (5 * SECOND - 1, 1)):
        clock.now = 1_000 * SECOND + waited
        with pytest.raises(Refused) as refused:
            budget.spend(bela)
        assert refused.value.refusal == RateLimited(retry_after=left + (waited == 1))
    clock.now = 1_005 * SECOND
    budget.spend(bela)


def test_memory_has_an_end_and_forgets_who_spent_longest_ago() -> None:
    budget = Budget((1, 10), Clock())
    bela, chen, crowd = uuid4(), uuid4(), [uuid4() for _ in range(REMEMBERED - 1)]
    for user_id in (bela, chen, *crowd):
        budget.spend(user_id)
    assert spent(budget, bela), "the first was forgotten"
    assert not spent(budget, crowd[-1])


def close_database(postgres: Postgres, database_url: str) -> None:
    name = str(conninfo_to_dict(database_url)["dbname"])
    with psycopg.connect(postgres.superuser_url, autocommit=True) as superuser:
        closed = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name))
        superuser.execute(closed)
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


# --- a server that lets each write one entry a second


@pytest.fixture
async def http(database_url: str, tmp_path: Path) -> AsyncIterator[ClientSession]:
    config = Config(data=tmp_path, database=database_url, port=0, entries_per_second=1)
    async with running(config) as url, ClientSession(url) as http:
        yield http


async def test_who_writes_without_end_is_told_to_wait(http: ClientSession) -> None:
    bela, chen = await Person(http, "bela").sign_up(), await Person(http, "chen").sign_up()
    group_id = await group_of(bela, (chen, Role.MEMBER))
    began = time.monotonic()
    message = await bela.send(group_id)
    await bela.ask(bela.edit(group_id, message))
    await bela.ask(bela.reaction(group_id, message))
    await bela.ask(bela.deletion(group_id, message))
    burst = limits.ENTRIES_BURST_SECONDS
    answers = await asyncio.gather(*(outcome(bela.send(group_id)) for _ in range(2 * burst)))
    refused = [answer for answer in answers if isinstance(answer, RateLimited)]
    written = 4 + len(answers) - len(refused)
    assert burst <= written <= burst + time.monotonic() - began
    assert {answer.retry_after for answer in refused} == {1}
    for command in (
        bela.edit(group_id, message),
        bela.reaction(group_id, message),
        bela.deletion(group_id, message),
    ):
        both = await asyncio.gather(*(outcome(bela.ask(command)) for _ in range(2)))
        assert any(isinstance(one, RateLimited) for one in both), "one a second comes back"
    await chen.send(group_id)
    entries = [e for e in await bela.log(group_id) if e.kind is not EntryKind.COMMIT]
    assert len(entries) == written + 1


async def test_a_conversation_takes_what_a_few_may_write(http: ClientSession) -> None:
    """What a crowd writes in one conversation costs no other, and strangers cost it nothing."""
    bela, chen, dora, mallory = [
        await Person(http, name).sign_up() for name in ("bela", "chen", "dora", "mallory")
    ]
    group_id = await group_of(bela, (chen, Role.MEMBER))
    other_id = await group_of(dora)
    each = limits.ENTRIES_BURST_SECONDS - 5
    most = limits.CONVERSATION_ACCOUNTS * limits.CONVERSATION_BURST_SECONDS
    mallory.groups[group_id] = bela.groups[group_id]
    asked = [outcome(mallory.send(group_id)) for _ in range(each)]
    assert set(await asyncio.gather(*asked)) == {NotFound("conversation")}

    began = time.monotonic()
    asked = [outcome(person.send(group_id)) for person in (bela, chen) for _ in range(each)]
    answers = await asyncio.gather(*asked)
    refused = [answer for answer in answers if isinstance(answer, RateLimited)]
    seconds = time.monotonic() - began
    assert most <= len(answers) - len(refused) <= most + limits.CONVERSATION_ACCOUNTS * seconds
    assert {answer.retry_after for answer in refused} == {1}
    assert await refusal(mallory.send(group_id)) == NotFound("conversation"), "they learn nothing"
    await dora.send(other_id)


async def test_reserving_files_has_an_end(http: ClientSession) -> None:
    bela = await Person(http, "bela").sign_up()

    async def reserve() -> object:
        command = c.ReserveFile(
            conversation_id=uuid4(),
            file_id=uuid4(),
            filename="x",
            size_bytes=1,
            encryption_header=bytes(24),
        )
        return await outcome(bela.ask(command))

    most, seconds = limits.FILES_PER_ACCOUNT
    began = time.monotonic()
    answers = await asyncio.gather(*(reserve() for _ in range(most + 100)))
    kinds = Counter(map(type, answers))
    assert kinds.keys() == {NotFound, RateLimited}, "what fails costs as much as what succeeds"
    assert most <= kinds[NotFound] <= most * (1 + (time.monotonic() - began) / seconds)


async def test_what_is_judged_in_vain_has_an_end(http: ClientSession) -> None:
    bela, chen = await Person(http, "bela").sign_up(), await Person(http, "chen").sign_up()
    group_id = await group_of(bela, (chen, Role.MEMBER))
    update = bela.update(group_id)
    assert isinstance(update.command, c.AdvanceEpoch)
    rubbish = msgspec.structs.replace(update.command.commit, content=b"no commit")
    commit = msgspec.structs.replace(update.command, commit=rubbish)
    creation, _ = await bela.creation()
    shapeless = msgspec.structs.replace(creation.anchor, ratchet_tree=b"no tree")
    anchor = msgspec.structs.replace(creation, anchor=shapeless)
    most, seconds = limits.REFUSED_COMMITS_PER_ACCOUNT
    began = time.monotonic()
    asked = [bela.ask(command) for command in (commit, anchor) for _ in range(most)]
    kinds = Counter(map(type, await asyncio.gather(*map(outcome, asked))))
    assert kinds.keys() == {CommitRefused, RateLimited}
    assert most <= kinds[CommitRefused] <= most * (1 + (time.monotonic() - began) / seconds)
    await bela.send(group_id)
    await chen.send_commit(chen.update(group_id))


async def test_what_is_judged_well_or_only_late_costs_nothing(http: ClientSession) -> None:
    bela, chen = await Person(http, "bela").sign_up(), await Person(http, "chen").sign_up()
    group_id = await group_of(bela, (chen, Role.MEMBER))
    late = chen.update(group_id)
    await bela.send_commit(bela.update(group_id))
    most, _ = limits.REFUSED_COMMITS_PER_ACCOUNT
    creation, _ = await chen.creation()
    for _ in range(most // 10):
        for command, kind in ((late.command, EpochStale), (creation, c.Ordered)):
            answers = await asyncio.gather(*(outcome(chen.ask(command)) for _ in range(10)))
            assert {type(answer) for answer in answers} == {kind}


async def test_an_anchor_is_judged_without_the_database(
    http: ClientSession, database_url: str, postgres_server: Postgres
) -> None:
    """What takes long to verify keeps no connection busy."""
    bela = await Person(http, "bela").sign_up()
    creation, _ = await bela.creation()
    shapeless = msgspec.structs.replace(creation.anchor, ratchet_tree=b"no tree")
    await bela.ask(c.GetAccount())  # who asks is remembered
    close_database(postgres_server, database_url)
    command = msgspec.structs.replace(creation, anchor=shapeless)
    assert isinstance(await refusal(bela.ask(command)), CommitRefused)
    assert await refusal(bela.ask(creation)) == Unavailable()


async def test_without_the_database_it_is_counted_all_the_same(
    http: ClientSession, database_url: str, postgres_server: Postgres
) -> None:
    """Closed: an outage is no time in which nobody counts."""
    bela = await Person(http, "bela").sign_up()
    group_id = await group_of(bela)
    await bela.ask(c.GetAccount())  # who asks is remembered
    close_database(postgres_server, database_url)
    burst = limits.ENTRIES_BURST_SECONDS
    answers = await asyncio.gather(*(outcome(bela.send(group_id)) for _ in range(2 * burst)))
    kinds = Counter(map(type, answers))
    assert kinds.keys() == {Unavailable, RateLimited}
    assert kinds[RateLimited] > 0


def test_somebody_must_be_able_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="--entries-per-second"):
        Config(data=tmp_path, entries_per_second=0)
