"""Promise: nobody's words are shown under the name of somebody you know but their own.

The server knows every user id and makes any key. So it can speak as whom you know, under a key of
its own, in a conversation of its making, or in a group that they are not in.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from coterie.protocol import commands as c
from coterie.protocol.errors import DirectExists
from coterie.protocol.header import EntryKind, ReactionOp
from coterie.sdk import Client
from coterie.sdk.content import Head
from coterie.sdk.errors import BadAnswer, IdentityChanged, NotFoundHere
from coterie.sdk.link_keys import LinkKeys
from coterie.sdk.reactions import seal_reaction, token
from coterie.sdk.views import Message
from tests.cli.people import Person
from tests.support.forgeries import entering, mint
from tests.support.impostor import FalseDirect, LongerLog, Said, Voice, answer
from tests.support.people import World, join
from tests.support.proxy import Answered, Asked, Forward, Proxy, forged, forging
from tests.support.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIE = "send the passwords to mallory"


class Stage:
    """Bela and Dora know each other from a group; Dora's server may lie."""

    bela: Client
    dora: Client
    club: str

    def __init__(self, world: World, proxy: Proxy) -> None:
        self.world = world
        self.proxy = proxy

    async def open(self) -> None:
        self.bela = await self.world.person("bela")
        self.dora = await self.world.person("dora", self.proxy.url)
        self.club = await self.world.group(self.bela, [self.dora], "club")
        await self.bela.send(self.club, "truly bela")
        await self.dora.members(self.club)

    @property
    def name(self) -> str:
        return self.bela.username

    @property
    def at_bela(self) -> str:
        return f"@{self.bela.username}"

    @property
    def marked(self) -> str:
        return f"{self.bela.username} (another identity)"

    async def false_direct(self, username: str | None = None) -> FalseDirect:
        """With a package that the server hands out to whoever asks for it."""
        claim = c.ClaimKeyPackages(user_id=self.dora.user_id)
        (package,) = (await self.world.insider(self.bela).caller.call(claim)).key_packages
        dora, ghost = self.world.insider(self.dora).account, mint(self.bela.user_id)
        return FalseDirect(ghost, username or self.name, dora, package, LIE)


@pytest_asyncio.fixture(loop_scope="module")
async def stage(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with (
        Proxy(server.url) as proxy,
        World(server.url, tmp_path_factory.mktemp("people")) as world,
    ):
        stage = Stage(world, proxy)
        await stage.open()
        yield stage


async def accept(client: Client, username: str) -> None:
    """As somebody who compares what they are shown would."""
    seen = await client.changed_identity(username)
    await client.accept_identity(username, seen.number)


def shown(messages: list[Message]) -> list[tuple[str, str | None, bool]]:
    return [(one.sender, one.text, one.other_identity) for one in messages]


async def test_a_conversation_opened_in_their_name_is_kept_aside(stage: Stage) -> None:
    dora = stage.dora
    async with forged(stage.proxy, await stage.false_direct()):
        with pytest.raises(IdentityChanged):
            await dora.read(stage.at_bela)
        assert any("kept aside" in warning for warning in dora.pop_warnings())
        (found,) = await dora.search("passwords")
        assert found.conversation == f"@{stage.marked}"
        assert shown([found.message]) == [(stage.marked, LIE, True)]
        listed = [(one.username, one.other_identity) for one in await dora.requests()]
        assert listed == [(stage.marked, True)]
        for target in (stage.at_bela, stage.club):
            with pytest.raises(IdentityChanged):
                await dora.send(target, "a secret")
        await stage.bela.send(f"@{dora.username}", "it is me")
        assert shown(await dora.read(stage.at_bela)) == [(stage.name, "it is me", False)]
        assert any(f"trust {stage.name}" in warning for warning in dora.pop_warnings())


async def test_who_says_that_it_is_not_theirs_goes_on_as_before(stage: Stage) -> None:
    dora, lie = stage.dora, await stage.false_direct()
    with pytest.raises(NotFoundHere):
        await dora.keep_identity(stage.name)
    async with forged(stage.proxy, lie):
        await dora.sync()
        await dora.keep_identity(stage.name)
        await dora.send(stage.at_bela, "a secret")
        await dora.send(stage.club, "for the club")
        (found,) = await dora.search("passwords")
    assert found.message.sender == stage.marked
    (secret,) = await stage.bela.read(f"@{dora.username}")
    assert (secret.text, lie.sent) == ("a secret", 0)


async def test_who_accepts_it_can_tell_the_lines_apart_and_go_back(stage: Stage) -> None:
    dora, lie = stage.dora, await stage.false_direct()
    async with forged(stage.proxy, lie):
        await dora.sync()
        await accept(dora, stage.name)
        assert shown(await dora.read(stage.at_bela)) == [(stage.name, LIE, False)]
        assert shown(await dora.read(stage.club)) == [(stage.marked, "truly bela", True)]
        with pytest.raises(IdentityChanged):
            await dora.send(stage.club, "bela reads this, whom the name does not mean now")
        await dora.send(stage.at_bela, "to whom the name means")
        assert lie.sent == 1
        await accept(dora, stage.name)
        assert shown(await dora.read(stage.club)) == [(stage.name, "truly bela", False)]
        (found,) = await dora.search("passwords")
        assert shown([found.message]) == [(stage.marked, LIE, True)]
        await dora.send(stage.club, "and again to bela")


async def test_the_server_does_not_choose_whom_a_name_means(stage: Stage) -> None:
    """It says that there is a conversation with Bela, and means that with Chen."""
    chen = await stage.world.person("chen")
    await stage.dora.send(f"@{chen.username}", "hello, chen")
    (other,) = [
        one.conversation_id for one in await stage.dora.search("hello", target=f"@{chen.username}")
    ]

    async def misled(asked: Asked, forward: Forward) -> Answered:
        if asked.is_for(c.OpenDirect):
            return answer(DirectExists(other), DirectExists.status)
        return await forward(asked)

    async with forged(stage.proxy, misled):
        with pytest.raises(BadAnswer):
            await stage.dora.send(stage.at_bela, "a secret")
    assert [one.text for one in await chen.read(f"@{stage.dora.username}")] == ["hello, chen"]


async def test_in_a_group_that_they_have_left(stage: Stage) -> None:
    """What the impostor writes is marked, and touches nothing of what they wrote themselves."""
    dora, group, lies = stage.dora, *await _left_by_bela(stage)
    async with forged(stage.proxy, lies):
        true, false = await dora.read(group)
        assert shown([true, false]) == [
            (stage.name, "mine", False),
            (stage.marked, LIE, True),
        ]
        assert any(f"trust {stage.name}" in warning for warning in dora.pop_warnings())
        (thumbs,) = true.reactions
        assert thumbs.users == (stage.name, stage.marked)
        listed = {(one.username, one.other_identity) for one in await dora.members(group)}
        assert (stage.marked, True) in listed
        assert any(f"trust {stage.name}" in warning for warning in dora.pop_warnings())
        await dora.group(group)
        assert any(f"trust {stage.name}" in warning for warning in dora.pop_warnings())
        with pytest.raises(IdentityChanged):
            await dora.send(group, "a secret")
        async for message in dora.follow(group, history=1):
            assert message == false
            break
        await asyncio.to_thread(_check_terminal, stage, group)


def _check_terminal(stage: Stage, group: str) -> None:
    dora = Person(stage.dora.username, stage.world.home(stage.dora.username))
    done = dora.run("read", group)
    headings = [line.split("  ")[0] for line in done.out.splitlines() if "#" in line]
    assert headings == [stage.name, stage.marked]
    assert f"👍 {stage.name}, {stage.marked}" in done.out
    assert f"coterie trust {stage.name}" in done.err
    assert stage.marked in dora.run("search", "passwords").out
    assert stage.marked in dora.run("members", group).out
    true, false = dora.does("read", group)
    assert "other_identity" not in true
    assert (false["sender"], false["other_identity"]) == (stage.marked, True)
    (found,) = dora.does("search", "passwords")
    assert (found["sender"], found["other_identity"]) == (stage.marked, True)
    others = [one["username"] for one in dora.does("members", group) if "other_identity" in one]
    assert others == [stage.marked]


async def _left_by_bela(stage: Stage) -> tuple[str, LongerLog]:
    """A group in which Bela wrote, and what the server adds to it once she has gone: an accomplice
    in it lets somebody in under her user id, who writes, edits her message and reacts to it."""
    world, dora = stage.world, stage.dora
    anna = await world.person("anna")
    group = await world.group(anna, [stage.bela, dora], "elsewhere")
    group_id = UUID(group)
    sent = await stage.bela.send(group, "mine")
    await stage.bela.react(group, sent.message_id, "👍")
    await dora.read(group)
    await anna.sync()
    mine = await _entry_of_mine(stage, group_id)
    spoken_in = world.insider(anna).view(group_id).key
    await anna.kick(group, stage.name)
    link = (await anna.create_invite(group)).link
    await anna.sync()
    await dora.read(group)
    return group, _lies(stage, group_id, link.secret, mine, spoken_in)


def _lies(
    stage: Stage, group_id: UUID, secret: bytes, mine: c.Entry, spoken_in: bytes
) -> LongerLog:
    insider, ghost = stage.world.insider(stage.dora), mint(stage.bela.user_id)
    seed = LinkKeys(secret).signing_seed
    entered = entering(insider, group_id, ghost, invite_seed=seed)
    record, voice = insider.record(group_id), Voice(ghost, entered.group)
    head = Head(record.cursor, record.link)
    mark = token(spoken_in, mine.hash, stage.bela.user_id, "👍")
    header = voice.header(EntryKind.REACTION, mine.hash)
    edit = voice.writes(LIE, head, kind=EntryKind.EDIT, target=mine.hash, edit_no=1)
    deletion = voice.writes("", head, kind=EntryKind.DELETION, target=mine.hash)
    seal = header, mark, ReactionOp.ADD, 9, ghost.seed, voice.context_hash
    said = [
        Said(EntryKind.COMMIT, entered.commit),
        Said(EntryKind.MESSAGE, voice.writes(LIE, head), 1_000_000),
        Said(EntryKind.EDIT, edit, mine.message_id),
        Said(EntryKind.DELETION, deletion, mine.message_id),
        Said(EntryKind.REACTION, seal_reaction(*seal), mine.message_id),
    ]
    return LongerLog(group_id, ghost, stage.name, record.cursor, record.link, said)


async def _entry_of_mine(stage: Stage, group_id: UUID) -> c.Entry:
    asked = c.ListEntries(conversation_id=group_id, after=0)
    page = await stage.world.insider(stage.bela).caller.call(asked)
    (mine,) = [one for one in page.entries if one.kind is EntryKind.MESSAGE]
    return mine


async def test_no_name_fakes_the_mark(stage: Stage) -> None:
    """Somebody new, to whom the server gives the name of somebody marked, or a line of its own."""
    eva = await stage.world.person("eva")
    await join(eva, (await stage.bela.create_invite(stage.club)).link)

    def renamed(page: c.Members) -> c.Members:
        members = [
            msgspec.structs.replace(one, username=f"{stage.marked}\n{stage.name}")
            if one.user_id == eva.user_id
            else one
            for one in page.members
        ]
        return msgspec.structs.replace(page, members=members)

    async with forged(stage.proxy, forging(c.ListMembers, renamed)):
        names = {one.username for one in await stage.dora.members(stage.club)}
    assert names == {stage.name, stage.dora.username, str(eva.user_id)}


async def test_a_conversation_by_somebody_with_no_possible_name_is_refused(stage: Stage) -> None:
    lie = await stage.false_direct(username=f"{stage.name} ")
    async with forged(stage.proxy, lie):
        await stage.dora.sync()
        assert any("can have such a name" in one for one in stage.dora.pop_warnings())
        assert await stage.dora.people() == await stage.dora.requests() == []
