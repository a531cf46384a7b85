"""Slow mode: how long a member waits between two messages, exactly, whoever else is writing."""

import asyncio
from base64 import b64encode
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import ClientSession

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.commands import Accepted
from coterie.protocol.errors import Forbidden, SlowMode
from coterie.protocol.roles import Role
from coterie.server.operations.access import Actor
from coterie.server.realtime.committer import Committer, running_committer
from coterie.server.realtime.hub import Hub
from tests.server.client import NewPerson, group_of, refusal
from tests.server.committing import outcomes
from tests.server.committing import refusal as unsent
from tests.server.population import Population, message

pytestmark = pytest.mark.timeout(60)
CONNECTIONS = 8


async def slow_group(population: Population, owner: Actor, *members: Actor) -> UUID:
    group = await population.group(owner, *members)
    await population.run("UPDATE conversations SET slow_mode_seconds = 30 WHERE id = %s", group)
    return group


async def pass_time(population: Population, seconds: int) -> None:
    """For everybody who spoke."""
    passed = timedelta(seconds=seconds)
    await population.run("UPDATE group_members SET spoke_at = spoke_at - %s", passed)


async def test_a_member_waits_as_long_as_it_says(
    population: Population, committer: Committer
) -> None:
    alice, bela, chen = await population.people(3)
    group = await slow_group(population, alice, bela, chen)

    first = message(bela, group)
    accepted = await committer.send(bela, first)
    refused = await unsent(committer.send(bela, message(bela, group)))
    assert isinstance(refused, SlowMode)
    assert 29 <= refused.retry_after <= 30
    assert isinstance(await committer.send(chen, message(chen, group)), Accepted), "each their own"
    assert await committer.send(bela, first) == accepted, "the same message again is no other"

    await pass_time(population, 20)
    refused = await unsent(committer.send(bela, message(bela, group)))
    assert isinstance(refused, SlowMode)
    assert 9 <= refused.retry_after <= 10
    await pass_time(population, 10)
    assert isinstance(await committer.send(bela, message(bela, group)), Accepted)
    refused = await unsent(committer.send(bela, message(bela, group)))
    assert isinstance(refused, SlowMode), "and it begins anew"


@pytest.mark.parametrize("role", ["owner", "admin", "moderator"])
async def test_moderators_and_above_are_not_bound(
    population: Population, committer: Committer, role: str
) -> None:
    alice, bela = await population.people(2)
    group = await slow_group(population, alice, bela)
    speaker = alice
    if role != "owner":
        speaker = await population.person()
        await population.join(group, speaker, role)
    for _ in range(3):
        assert isinstance(await committer.send(speaker, message(speaker, group)), Accepted)
    await committer.send(bela, message(bela, group))
    assert isinstance(await unsent(committer.send(bela, message(bela, group))), SlowMode)


async def test_no_other_conversation_is_slow(population: Population, committer: Committer) -> None:
    alice, bela = await population.people(2)
    slow = await slow_group(population, alice, bela)
    group, direct = await population.group(alice, bela), await population.direct(alice, bela)
    await committer.send(bela, message(bela, slow))
    for place in (group, direct, group, direct):
        assert isinstance(await committer.send(bela, message(bela, place)), Accepted)
    assert isinstance(await unsent(committer.send(bela, message(bela, slow))), SlowMode)


async def test_of_many_messages_in_one_batch_one_is_written(
    population: Population, committer: Committer
) -> None:
    alice, bela, chen = await population.people(3)
    group = await slow_group(population, alice, bela, chen)
    sent = [(actor, message(actor, group)) for _ in range(40) for actor in (bela, chen, alice)]

    answers = await outcomes(committer, *sent)

    by_actor = {
        actor: [a for (who, _), a in zip(sent, answers, strict=True) if who is actor]
        for actor in (alice, bela, chen)
    }
    assert all(isinstance(answer, Accepted) for answer in by_actor[alice])
    for actor in (bela, chen):
        accepted, *others = sorted(by_actor[actor], key=lambda one: not isinstance(one, Accepted))
        assert isinstance(accepted, Accepted)
        assert all(isinstance(other, SlowMode) for other in others)


async def test_of_many_servers_at_once_one_takes_the_message(
    population: Population, database_url: str
) -> None:
    """Each has a connection of its own, and they take turns in nothing but the conversation."""
    alice, bela = await population.people(2)
    group = await slow_group(population, alice, bela)
    async with AsyncExitStack() as stack:
        committers = [
            await stack.enter_async_context(running_committer(database_url, Hub()))
            for _ in range(CONNECTIONS)
        ]
        for _ in range(5):
            answers = await asyncio.gather(
                *(outcomes(one, (bela, message(bela, group))) for one in committers)
            )
            accepted = [answer for (answer,) in answers if isinstance(answer, Accepted)]
            assert len(accepted) == 1
            assert sum(isinstance(answer, SlowMode) for (answer,) in answers) == CONNECTIONS - 1
            await pass_time(population, 30)


# --- as a setting


@pytest.mark.asyncio(loop_scope="module")
async def test_an_admin_sets_it_and_everybody_sees_it(new_person: NewPerson) -> None:
    bela, chen, dora, emil = [await new_person(name) for name in ("bela", "chen", "dora", "emil")]
    group_id = await group_of(bela, (chen, Role.ADMIN), (dora, Role.MODERATOR), (emil, Role.MEMBER))
    slow = c.UpdateGroup(group_id=group_id, slow_mode_seconds=limits.SLOW_MODE_SECONDS)
    for person in (dora, emil):
        assert await refusal(person.ask(slow)) == Forbidden("update_group")
    await emil.send(group_id)
    await emil.send(group_id)
    await chen.ask(slow)
    shown = await emil.ask(c.GetGroup(group_id=group_id))
    assert shown.slow_mode_seconds == limits.SLOW_MODE_SECONDS
    said = await emil.send(group_id)
    assert isinstance(await refusal(emil.send(group_id)), SlowMode)
    await emil.ask(emil.edit(group_id, said))
    await emil.ask(emil.reaction(group_id, said))
    await chen.ask(c.UpdateGroup(group_id=group_id, slow_mode_seconds=0))
    await emil.send(group_id)
    await emil.send(group_id)


@pytest.mark.asyncio(loop_scope="module")
async def test_it_changes_with_the_name_in_one_request(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    await bela.send_commit(bela.change(group_id, name="Orchard", slow_mode_seconds=60))
    shown = await bela.ask(c.GetGroup(group_id=group_id))
    assert (shown.name, shown.slow_mode_seconds) == ("Orchard", 60)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("seconds", [-1, limits.SLOW_MODE_SECONDS + 1])
async def test_it_has_a_limit(new_person: NewPerson, http: ClientSession, seconds: int) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    fields = {"slow_mode_seconds": seconds}
    async with http.patch(
        f"{PREFIX}/groups/{group_id}",
        json=fields,
        headers={"Authorization": f"Bearer {bela.token}"},
    ) as response:
        assert (response.status, (await response.json())["code"]) == (400, "malformed")
    assert (await bela.ask(c.GetGroup(group_id=group_id))).slow_mode_seconds == 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_refusal_says_when_in_its_header_too(
    new_person: NewPerson, http: ClientSession
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.ask(c.UpdateGroup(group_id=group_id, slow_mode_seconds=60))
    await chen.send(group_id)
    token = {"Authorization": f"Bearer {chen.token}", "Content-Type": "application/json"}
    entry = (await chen.log(group_id))[-1].content
    assert entry is not None
    other = bytearray(entry)
    other[41:57] = bytes(16)  # another client_id
    command = c.SendMessage(conversation_id=group_id, entry=bytes(other))
    refused = await refusal(chen.ask(command))
    assert isinstance(refused, SlowMode)
    async with http.post(
        f"{PREFIX}/conversations/{group_id}/messages",
        json={"entry": b64encode(bytes(other)).decode()},
        headers=token,
    ) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 60
