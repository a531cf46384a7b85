"""One profile, many processes: a follower beside senders, and changes from all of them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from coterie.sdk import Client
from tests.sdk.people import People, environment, gather_in, texts

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from coterie.sdk import Client

async def main():
    async with Client.open(Path(sys.argv[1])) as client:
        {deed}

asyncio.run(main())
"""


async def process(home: Path, deed: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM.format(deed=deed),
        str(home),
        env=environment(),
        stdout=PIPE,
        stderr=PIPE,
    )


async def finished(running: Process) -> str:
    out, errors = await running.communicate()
    assert running.returncode == 0, errors.decode()
    return out.decode()


async def test_a_follower_beside_many_senders_sees_each_message_once(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    home = people.homes / "anna"
    follower = await process(
        home,
        f"async for m in client.follow('{club}'): print(m.text, flush=True)",
    )
    assert follower.stdout is not None
    # only when it reports what bela says is it known to follow
    seen: list[str] = []
    while not seen:
        await bela.send(club, "are you there?")
        try:
            async with asyncio.timeout(2):
                seen.append((await follower.stdout.readline()).decode().strip())
        except TimeoutError:
            continue
    senders = [await process(home, f"await client.send('{club}', 'm{n}')") for n in range(12)]
    for sender in senders:
        await finished(sender)
    expected = {f"m{n}" for n in range(12)}
    async with asyncio.timeout(60):
        while expected - set(seen):
            seen.append((await follower.stdout.readline()).decode().strip())
    follower.kill()
    await follower.communicate()
    assert len([one for one in seen if one in expected]) == 12, "none twice"
    spoken = [text for text in await texts(bela, club) if text in expected]
    assert sorted(spoken) == sorted(expected), "all arrived"
    assert [one for one in seen if one in expected] == spoken, "in the order of the log"


async def test_processes_that_change_a_group_at_once_all_get_their_way(
    people: People, anna: Client, bela: Client
) -> None:
    """At most one commit is on its way in a conversation; who finds another's sees it through."""
    club = await gather_in("club", anna, bela)
    home = people.homes / "anna"
    deeds = [
        f"await client.create_invite('{club}')",
        f"await client.update_group('{club}', name='Club')",
        f"await client.send('{club}', 'hello')",
        f"await client.create_invite('{club}')",
        f"await client.set_role('{club}', 'bela', 'moderator')",
    ]
    for running in [await process(home, _with_roles(deed)) for deed in deeds]:
        await finished(running)
    assert len(await anna.invites(club)) == 3
    shown = await bela.group(club)
    assert (shown.name, shown.role.value) == ("Club", "moderator")
    await bela.send(club, "fine with me")
    assert await texts(anna, club) == ["hello", "fine with me"]


def _with_roles(deed: str) -> str:
    role = "from coterie.protocol.roles import Role; "
    return role + deed.replace("'moderator'", "Role.MODERATOR")
