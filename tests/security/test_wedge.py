"""Promise: no member can wedge a group. It is repaired forwards, by each member's own client.

The server sees only the public half of a commit. Mallory's commits are right in that half, or her
GroupInfo leads whoever enters astray; every honest member talks again within ten seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from coterie.mls import PendingCommit
from coterie.protocol import commands as c
from coterie.sdk import Client
from tests.support.forgeries import false_group_info, wedging
from tests.support.insider import Insider, on_the_wire
from tests.support.people import World, join
from tests.support.server import Server
from tests.support.stopwatch import Stopwatch
from tests.support.talkers import talking

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 10.0


class Wedged:
    """A group with Mallory in it, an accomplice, and the honest others."""

    def __init__(self, server: Server, world: World) -> None:
        self.server = server
        self.world = world

    async def form(self, size: int) -> None:
        self.mallory, self.accomplice, *self.honest = await self.world.crowd(size + 1)
        owner, *others = self.honest
        self.group = await self.world.group(owner, [*others, self.mallory, self.accomplice])
        await self.sync()

    async def sync(self) -> None:
        for member in (self.mallory, self.accomplice, *self.honest):
            await member.sync()

    @property
    def group_id(self) -> UUID:
        return UUID(self.group)

    @property
    def attacker(self) -> Insider:
        return self.world.insider(self.mallory)

    async def strike(self, pending: PendingCommit, group_info: bytes | None = None) -> None:
        """The server orders Mallory's commit, for nothing public is wrong with it."""
        commit = on_the_wire(pending)
        if group_info is not None:
            commit = msgspec.structs.replace(commit, group_info=group_info)
        command = c.AdvanceEpoch(conversation_id=self.group_id, commit=commit)
        await self.attacker.caller.call(command)

    async def lie(self) -> int:
        """An honest commit with a false GroupInfo; the epoch it makes."""
        pending = self.attacker.pending(self.group_id)
        await self.strike(pending, false_group_info(self.attacker, pending.group))
        return pending.group.epoch

    async def check_all_talk(self, honest: Sequence[Client]) -> None:
        """Each comes back without being asked; each says something; each hears all the others."""
        homes = [self.world.home(member.username) for member in honest]
        async with talking(self.group, homes) as talkers:
            watch = Stopwatch(self.server.pid)
            async with asyncio.timeout(10 * LIMIT):
                await talkers.read()
                await talkers.send()
                heard = await talkers.heard(len(honest))
            took = watch.seconds()
        said = {(member.username, None) for member in honest}
        for messages in heard:
            assert {(text, problem) for text, problem in messages} == said
        assert len(heard) == len(honest)
        assert took < LIMIT, f"{len(honest)} honest members needed {took:.1f} s"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(server.url, tmp_path_factory.mktemp("people")) as world:
        yield world


async def group_of(server: Server, world: World, size: int) -> Wedged:
    wedged = Wedged(server, world)
    await wedged.form(size)
    return wedged


@pytest.mark.parametrize("size", [2, pytest.param(50, marks=pytest.mark.alone)])
async def test_groups_talk_again(server: Server, world: World, size: int) -> None:
    """First after a commit whose path secrets are not those of its keys; then, in the same group,
    after somebody has joined by a GroupInfo with a false external_pub."""
    wedged = await group_of(server, world, size)
    await wedged.strike(wedging(wedged.attacker, wedged.group_id))
    await wedged.check_all_talk(wedged.honest)

    invite = await wedged.honest[0].create_invite(wedged.group, max_uses=1)
    wedged.mallory = wedged.accomplice  # a device makes one commit without changes in an hour
    await wedged.mallory.read(wedged.group)
    await wedged.lie()
    joiner = await world.person("joiner")
    await join(joiner, invite.link)
    await wedged.check_all_talk([*wedged.honest, joiner])


async def test_honest_members_correct_a_false_group_info(server: Server, world: World) -> None:
    """With a member online between the lie and the join, the joiner is not led astray at all."""
    wedged = await group_of(server, world, 3)
    invite = await wedged.honest[0].create_invite(wedged.group, max_uses=1)
    await wedged.sync()
    epoch = await wedged.lie()
    await wedged.honest[0].send(wedged.group, "I look at the GroupInfo before I send")
    joiner = await world.person("joiner")
    await join(joiner, invite.link)
    await wedged.honest[0].sync()
    for member in (wedged.honest[0], joiner):
        group = world.insider(member).group(wedged.group_id)
        assert group.epoch == epoch + 1, "nobody had to enter again"


async def test_both_at_once(server: Server, world: World) -> None:
    """Wrong path secrets, and a GroupInfo by which nobody could follow: it heals as well."""
    wedged = await group_of(server, world, 4)
    pending = wedging(wedged.attacker, wedged.group_id)
    await wedged.strike(pending, false_group_info(wedged.attacker, pending.group))
    await wedged.check_all_talk(wedged.honest)
