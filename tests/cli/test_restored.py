"""Promise: a restore wedges nobody, is never silent, and takes nothing from those who have it.

Three people know different things when the operator restores yesterday's backup. Each is told what
the server has lost, consents, and they talk again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from coterie.protocol.roles import Role
from coterie.sdk.errors import (
    LogRewound,
    LostHere,
    LostOtherwise,
    NotAMember,
    NothingLost,
    UntrustedGroup,
)
from tests.cli.people import Person
from tests.sdk.people import People, gather_in, texts
from tests.support.server import Server


class Drill:
    """A server, a backup of it, and what is restored from that under the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._operator = Person("operator", folder / "operator")
        self._old, self._new = Server(folder / "data"), Server(folder / "new")
        self.people: People

    @asynccontextmanager
    async def before(self) -> AsyncGenerator[People]:
        with self._old:
            self.people = People(self._old.url, self._folder / "homes")
            yield self.people
            await self.people.go_home()
        file = self._folder / "b.tar"
        await self._run("backup", "restore", file, "--data", self._new.data)

    async def back_up(self) -> None:
        await self._run("backup", "create", self._folder / "b.tar", "--data", self._old.data)

    @asynccontextmanager
    async def restored(self) -> AsyncGenerator[None]:
        self._new.take_address(self._old)
        with self._new:
            try:
                yield
            finally:
                await self.people.go_home()

    def home(self, username: str) -> Person:
        """The person at the command line, with the profile that the SDK made."""
        return Person(username, self._folder / "homes" / username)

    async def _run(self, *arguments: object) -> None:
        await asyncio.to_thread(self._operator.does, *arguments)


@pytest.fixture
def drill(tmp_path: Path) -> Drill:
    return Drill(tmp_path)


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "gone on"])
async def test_messages_are_lost_and_talk_goes_on(drill: Drill, others: int) -> None:
    """No commit is lost: the device still has the keys of the epoch that the server is in."""
    async with drill.before() as people:
        ana, bela = await people.meet("ana"), await people.meet("bela")
        club = await gather_in("Club", ana, bela)
        first = await ana.send(club, "befroe")
        await bela.read(club)
        await drill.back_up()
        await ana.edit(club, first.message_id, "before")
        lost = [await ana.send(club, f"lost {number}") for number in range(3)]
        await ana.react(club, lost[0].message_id, "👍")
        await ana.read(club)
    async with drill.restored():
        bela, ana = people.again("bela"), people.again("ana")
        for number in range(others):
            await bela.send(club, f"new {number}")
        with pytest.raises(LogRewound, match=f"coterie restored {club}"):
            await ana.send(club, "does anybody hear me?")
        loss = await ana.look_at_loss(club)
        assert (loss.conversation, loss.member, loss.entries, loss.messages) == ("Club", True, 5, 3)
        assert loss.undone == ()
        with pytest.raises(LostOtherwise):
            await ana.accept_loss(club, loss.kept - 1)
        with pytest.raises(LogRewound):
            await ana.send(club, "consent was to something else")

        assert await ana.accept_loss(club, loss.kept) == loss
        with pytest.raises(NothingLost):
            await ana.look_at_loss(club)
        await ana.send(club, "I am back")
        await bela.send(club, "so you are")
        news = [*(f"new {number}" for number in range(others)), "I am back", "so you are"]
        assert await texts(bela, club) == ["befroe", *news]
        kept = await ana.read(club)
        assert [message.text for message in kept] == [
            "before", "lost 0", "lost 1", "lost 2", *news
        ]  # fmt: skip
        assert [message.lost_by_server for message in kept] == [
            False,
            *[True] * 3,
            *[False] * len(news),
        ]
        assert kept[0].problem == "change_lost"
        assert [reaction.emoji for reaction in kept[1].reactions] == ["👍"]

        for page in range(len(kept) + 1):
            before = kept[page].message_id if page < len(kept) else None
            assert await ana.read(club, limit=2, before=before) == kept[:page][-2:]
        found = [one.message.text for one in await ana.search("lost")]
        assert found == ["lost 2", "lost 1", "lost 0"]
        for act in (
            ana.react(club, lost[0].message_id, "👍"),
            ana.edit(club, lost[0].message_id, "x"),
            ana.send(club, "x", reply_to=lost[0].message_id),
        ):
            with pytest.raises(LostHere):
                await act


async def test_a_ban_is_lost_and_can_be_made_again(drill: Drill) -> None:
    """Commits are lost: everybody comes in again by themselves, and is told who is back."""
    async with drill.before() as people:
        ana, bela, chen = [await people.meet(name) for name in ("ana", "bela", "chen")]
        club = await gather_in("Club", ana, bela, chen)
        await ana.set_role(club, "chen", Role.MODERATOR)
        await ana.send(club, "before")
        for one in (bela, chen):
            await one.read(club)
        await drill.back_up()
        await ana.ban(club, "chen")
        await ana.update_group(club, name="Friends")
        await ana.set_role(club, "bela", Role.ADMIN)
        await ana.send(club, "he is out")
        await bela.send(club, "at last")
        for one in (ana, bela):
            await one.read(club)
    async with drill.restored():
        ana, bela, chen = [people.again(name) for name in ("ana", "bela", "chen")]
        for one in (ana, bela):
            with pytest.raises(LogRewound):
                await one.send(club, "anybody?")
            loss = await one.look_at_loss(club)
            assert loss.undone == (
                "the ban of chen is undone",
                "bela is member again",
                "chen is in it again, and reads what is said",
                "it is called Club again",
                "invite links that had ended are open again: 1",
            )
            await one.accept_loss(club, loss.kept)
        await ana.ban(club, "chen")
        await bela.send(club, "we are among ourselves")
        with pytest.raises(NotAMember):
            await chen.send(club, "and I?")
        for one in (ana, bela):
            said = await one.read(club)
            assert [
                (message.text, message.lost_by_server, message.problem) for message in said
            ] == [
                ("before", False, None),
                ("he is out", True, None),
                ("at last", True, None),
                ("we are among ourselves", False, None),
            ]
        assert [ban.username for ban in await ana.bans(club)] == ["chen"]


async def test_who_came_after_the_backup_comes_again_by_a_new_link(drill: Drill) -> None:
    async with drill.before() as people:
        ana, bela = await people.meet("ana"), await people.meet("bela")
        club = await gather_in("Club", ana)
        await drill.back_up()
        await bela.join(str((await ana.create_invite(club)).link))
        await bela.send(club, "hello")
        for one in (ana, bela):
            await one.read(club)
    async with drill.restored():
        ana, bela = people.again("ana"), people.again("bela")
        loss = await ana.look_at_loss(club)
        assert "bela is no longer in it" in loss.undone
        await ana.accept_loss(club, loss.kept)
        link = str((await ana.create_invite(club)).link)
        with pytest.raises(UntrustedGroup, match="coterie restored"):
            await bela.join(link)
        loss = await bela.look_at_loss(club)
        assert (loss.member, loss.kept, loss.messages) == (False, 0, 1)
        await bela.accept_loss(club, 0)
        await bela.join(link)
        await bela.send(club, "again")
        assert await texts(ana, club) == ["hello", "again"]
        assert await texts(bela, club) == ["hello", "again"]


async def test_a_direct_conversation_goes_on(drill: Drill) -> None:
    async with drill.before() as people:
        ana, bela = await people.meet("ana"), await people.meet("bela")
        await ana.send("@bela", "before")
        await bela.read("@ana")
        await drill.back_up()
        await bela.send("@ana", "lost")
        await bela.read("@ana")
    async with drill.restored():
        ana, bela = people.again("ana"), people.again("bela")
        await ana.send("@bela", "are you there?")
        with pytest.raises(LogRewound, match="coterie restored @ana"):
            await bela.send("@ana", "I am")
        await bela.accept_loss("@ana", (await bela.look_at_loss("@ana")).kept)
        await bela.send("@ana", "I am")
        assert await texts(ana, "@bela") == ["before", "are you there?", "I am"]


async def test_without_consent_nothing_changes_and_each_time_asks_again(drill: Drill) -> None:
    """By the command line."""
    async with drill.before() as people:
        ana, bela = await people.meet("ana"), await people.meet("bela")
        club = await gather_in("Club", ana, bela)
        await ana.send(club, "before")
        await drill.back_up()
        await ana.send(club, "lost")
        await ana.read(club)
    async with drill.restored():
        person = drill.home("ana")

        def by_hand() -> None:
            told = person.does("restored", club)
            assert (told["entries"], told["messages"], told["member"]) == (1, 1, True)
            assert "1 messages" in (shown := person.run("restored", club).out)
            assert f"coterie restored {club} --accept {told['kept']}" in shown
            assert person.refused("send", club, "no") == "log_rewound"
            assert (
                person.refused("restored", club, "--accept", told["kept"] + 1) == "lost_otherwise"
            )
            assert person.refused("send", club, "no") == "log_rewound"
            assert person.does("restored", club, "--accept", told["kept"]) == told
            assert person.refused("restored", club) == "nothing_lost"
            person.does("send", club, "after")
            read = person.does("read", club)
            assert [one["text"] for one in read] == ["before", "lost", "after"]
            assert [one.get("lost_by_server") for one in read] == [None, True, None]
            assert "lost by the server" in person.run("read", club).out

        await asyncio.to_thread(by_hand)
