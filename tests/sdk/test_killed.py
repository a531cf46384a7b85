"""`kill -9` at any step of a commit: the next process goes on, and nobody joins again.

The steps are what the wire shows. Before the request: all is stored, the server knows nothing.
After the answer: the server has ordered it, the client does not know. At the next request: the
client knows, and has not adopted it.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Literal

import pytest

from coterie.protocol.commands import (
    AdvanceEpoch,
    Command,
    CreateGroup,
    JoinGroup,
    ListEntries,
    ListMembers,
    OpenDirect,
    PublishKeyPackages,
    SendMessage,
    SignUp,
    UpdateGroup,
)
from coterie.protocol.errors import Refused, UsernameTaken
from coterie.protocol.roles import Role
from coterie.sdk import Client
from tests.sdk.people import PASSWORD, People, environment, gather_in, texts
from tests.sdk.proxy import Dropped, Liar, Proxy

Moment = Literal["before the request", "after the answer", "at the next request"]
MOMENTS: tuple[Moment, ...] = ("before the request", "after the answer", "at the next request")
every_moment = pytest.mark.parametrize("moment", MOMENTS)


class Doomed:
    """A process of dora's that does one thing, and dies in the middle of it."""

    def __init__(self, proxy: Proxy, home: Path, program: str | None = None) -> None:
        self._proxy = proxy
        self._home = home
        self._program = program or _PROGRAM

    async def dies(
        self, deed: str, command: type[Command], moment: Moment, following: type[Command]
    ) -> None:
        """Runs `await client.<deed>`, and kills it at `moment` of the request `command`."""
        dead = asyncio.Event()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            self._program,
            str(self._home),
            deed,
            stdout=DEVNULL,
            env=environment(),
        )

        async def kill() -> None:
            process.kill()
            await process.wait()
            dead.set()

        async def kill_unheard() -> None:
            await kill()
            raise Dropped

        async def arm() -> None:
            self._proxy.before(following, kill_unheard)

        if moment == "before the request":
            self._proxy.before(command, kill_unheard)
        elif moment == "after the answer":
            self._proxy.after(command, kill)
        else:
            self._proxy.after(command, arm)
        async with asyncio.timeout(60):
            await process.wait()
            await dead.wait()
        self._proxy.be_honest()
        _assert_killed(process)


_PROGRAM = """
import asyncio, sys
from pathlib import Path
from coterie.protocol.roles import Role
from coterie.sdk import Client

async def main():
    async with Client.open(Path(sys.argv[1])) as client:
        await eval("client." + sys.argv[2])

asyncio.run(main())
"""


_SIGN_UP = """
import asyncio, sys
from pathlib import Path
from coterie.sdk import Client

asyncio.run(Client.sign_up(Path(sys.argv[1]), sys.argv[2], "emil", "{password}"))
"""


def _assert_killed(process: Process) -> None:
    assert process.returncode == -9, "it died of the kill, not of anything else"


@every_moment
async def test_a_sign_up(people: People, liar: Liar, moment: Moment) -> None:
    """The name is not lost, and the recovery code is the account's."""
    proxy, server = liar
    home = people.homes / "emil"
    doomed = Doomed(proxy, home, _SIGN_UP.format(password=PASSWORD))
    await doomed.dies(server, SignUp, moment, PublishKeyPackages)
    if moment != "before the request":
        with pytest.raises(Refused) as caught:
            await Client.sign_up(home, server, "emil", "another password")
        assert isinstance(caught.value.refusal, UsernameTaken)
    client, code = await Client.sign_up(home, server, "emil", PASSWORD)
    async with client:
        await client.check_recovery(code.words)
        await client.create_group("club")


@every_moment
async def test_a_change_of_the_group(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    club = await gather_in("club", dora, anna)
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies(f"update_group('{club}', name='Club')", UpdateGroup, moment, ListEntries)
    again = people.again("dora")
    await again.send(club, "I am back")
    await anna.send(club, "so you are")
    assert await texts(again, club) == await texts(anna, club) == ["I am back", "so you are"]
    assert (await anna.group(club)).name == "Club", "what was begun is done"
    assert JoinGroup not in liar[0].asked, "nobody joined again"
    assert AdvanceEpoch not in liar[0].asked, "nor was anything repaired"


@every_moment
async def test_a_change_that_another_commit_has_overtaken(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    club = await gather_in("club", dora, anna)
    await dora.set_role(club, "anna", Role.ADMIN)
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies(f"update_group('{club}', name='Club')", UpdateGroup, moment, ListEntries)
    await anna.create_invite(club)
    again = people.again("dora")
    await again.send(club, "I am back")
    assert await texts(anna, club) == ["I am back"]
    assert AdvanceEpoch not in liar[0].asked


@every_moment
async def test_the_making_of_a_group(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    doomed = Doomed(liar[0], people.homes / "dora")
    following = ListEntries if moment == "at the next request" else CreateGroup
    deed = "create_group('club')" if following is CreateGroup else "create_invite('club')"
    if following is ListEntries:
        await dora.create_group("club")
        await doomed.dies(deed, ListEntries, "before the request", ListEntries)
    else:
        await doomed.dies(deed, CreateGroup, moment, following)
    again = people.again("dora")
    assert [group.name for group in await again.groups()] == ["club"], "made once"
    await anna.join(str((await again.create_invite("club")).link))
    await again.send("club", "welcome")
    assert await texts(anna, "club") == ["welcome"]


@every_moment
async def test_joining(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    club = await gather_in("club", anna)
    invite = await anna.create_invite(club, max_uses=1)
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies(f"join('{invite.link}')", JoinGroup, moment, ListEntries)
    again = people.again("dora")
    await again.sync()
    await again.send(club, "in")
    assert await texts(anna, club) == ["in"]
    assert (await anna.invites(club))[0].uses == 1, "the only use was enough"


@every_moment
async def test_opening_a_conversation(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies("send('@anna', 'one')", OpenDirect, moment, SendMessage)
    again = people.again("dora")
    await again.send("@anna", "two")
    assert (await texts(anna, "@dora"))[-1] == "two"
    await anna.send("@dora", "three")
    assert (await texts(again, "@anna"))[-1] == "three"


@pytest.mark.parametrize("moment", MOMENTS[:2])
async def test_sending(
    people: People, liar: Liar, anna: Client, dora: Client, moment: Moment
) -> None:
    """What was accepted is there once; what was not can be sent again."""
    club = await gather_in("club", anna, dora)
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies(f"send('{club}', 'one')", SendMessage, moment, ListMembers)
    await people.again("dora").send(club, "two")
    expected = ["two"] if moment == "before the request" else ["one", "two"]
    assert await texts(anna, club) == expected


async def test_a_resync(people: People, liar: Liar, anna: Client, dora: Client) -> None:
    """The other half of the promise: a commit made to repair is no more fragile."""
    club = await gather_in("club", anna, dora)
    await dora.leave(club)
    invite = await anna.create_invite(club)
    doomed = Doomed(liar[0], people.homes / "dora")
    await doomed.dies(f"join('{invite.link}')", JoinGroup, "after the answer", ListEntries)
    again = people.again("dora")
    await again.sync()
    await again.send(club, "back")
    assert await texts(anna, club) == ["back"]
