"""Clients in processes of their own, which do at random what people do.

`python -m tests.nemesis.crowd SEED GROUP HOME…` opens these profiles; the first is the host's, the
last is a visitor, whom the host bans and lets in again. For each line of its input it prints one of
JSON: "live" begins, "stop" ends and tells the journal, "read" reads everything, "find" tells what
each client finds.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import msgspec

from coterie.protocol.errors import Refused, code_of
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import ClientError, NotFoundHere
from coterie.sdk.log import Log
from coterie.sdk.timeline import newest
from coterie.sdk.views import Message
from tests.house.sources import ROOT
from tests.nemesis.journal import Deed, Found, Journal
from tests.support.server import environment

EMOJI: Final = ("👍", "❤️", "😂")
FILE_BYTES: Final = 2 << 20
MANY: Final = 1_000_000
DEEDS: Final = {"send": 8, "reply": 3, "edit": 3, "react": 3, "read": 3, "upload": 1, "move": 1}
"""What is done how often. To move is the host's and the visitor's: to ban, to admit, to join."""


# --- the processes, from outside


class Crowd:
    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, seed: int, group: str, homes: Sequence[Path]) -> "Crowd":
        command = (sys.executable, "-m", "tests.nemesis.crowd", str(seed), group, *map(str, homes))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=environment(), cwd=ROOT, limit=1 << 28
        )
        crowd = cls(process)
        await crowd._answer()
        return crowd

    async def live(self) -> None:
        await self._tell("live")

    async def stop(self) -> Journal:
        return msgspec.convert(await self._tell("stop"), Journal)

    async def read(self) -> None:
        await self._tell("read")

    async def find(self) -> list[Found]:
        return msgspec.convert(await self._tell("find"), list[Found])

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _tell(self, line: str) -> Any:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        return await self._answer()

    async def _answer(self) -> Any:
        assert self._process.stdout
        line = await self._process.stdout.readline()
        assert line, "the crowd has died: see its standard error"
        return msgspec.json.decode(line)


# --- in the processes


class Life:
    """One client's, until it is stopped. `links` are for the visitor of the same process."""

    def __init__(
        self, client: Client, group: str, random: Random, links: asyncio.Queue[str], guest: str
    ) -> None:
        self.deeds: list[Deed] = []
        self.refusals: Counter[str] = Counter()
        self.own: dict[int, str] = {}
        self._client = client
        self._group = group
        self._random = random
        self._links = links
        self._guest = guest
        self._number = 0

    async def live(self, stopped: asyncio.Event) -> None:
        names, weights = list(DEEDS), list(DEEDS.values())
        while not stopped.is_set():
            deed = self._random.choices(names, weights)[0]
            try:
                await getattr(self, deed)()
            except Refused as no:
                self.refusals[code_of(no.refusal)] += 1
            except ClientError as error:
                self.refusals[error.code] += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), self._random.uniform(0, 0.3))

    async def send(self, reply_to: int | None = None, files: Sequence[Path] = ()) -> None:
        self._number += 1
        text = f"{self._client.username} {self._number}"
        sent = None
        try:
            sent = await self._client.send(self._group, text, reply_to=reply_to, files=files)
            self.own[sent.message_id] = text
        finally:
            self._note("send", text, sent is not None, sent.message_id if sent else None)

    async def reply(self) -> None:
        await self.send((await self._some()).message_id)

    async def edit(self) -> None:
        if not self.own:
            return
        message_id = self._random.choice(list(self.own))
        self._number += 1
        text = f"{self.own[message_id]} edited {self._number}"
        done = False
        try:
            await self._client.edit(self._group, message_id, text)
            done = True
        finally:
            self._note("edit", text, done, message_id)

    async def react(self) -> None:
        message, emoji = await self._some(), self._random.choice(EMOJI)
        done = False
        try:
            await self._client.react(self._group, message.message_id, emoji)
            done = True
        finally:
            self._note("react", emoji, done, message.message_id)

    async def read(self) -> None:
        await self._client.read(self._group, limit=self._random.choice((1, 10, 100)))

    async def upload(self) -> None:
        path = Path(sys.argv[3]).parent / f"{self._client.username}.bin"
        path.write_bytes(self._random.randbytes(self._random.randrange(1, FILE_BYTES)))
        await self.send(files=[path])

    async def move(self) -> None:
        if self._guest == self._client.username:
            if not self._links.empty():
                await self._client.join(self._links.get_nowait())
        elif self._guest:
            await self._bar_or_admit()

    async def _bar_or_admit(self) -> None:
        banned = {ban.username for ban in await self._client.bans(self._group)}
        if self._guest not in banned:
            await self._client.ban(self._group, self._guest)
            return
        await self._client.unban(self._group, self._guest)
        invite = await self._client.create_invite(self._group)
        self._links.put_nowait(str(invite.link))

    async def _some(self) -> Message:
        """One of the newest. Raises NotFoundHere: who has just come sees none."""
        messages = await self._client.read(self._group, limit=20)
        if not messages:
            raise NotFoundHere("There is nothing yet.")
        return self._random.choice(messages)

    def _note(self, what: str, text: str, acknowledged: bool, message_id: int | None) -> None:
        who = self._client.username
        self.deeds.append(
            Deed(who=who, what=what, text=text, acknowledged=acknowledged, message_id=message_id)
        )


async def _main(seed: str, group: str, homes: Sequence[str]) -> None:
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(Client.open(Path(home))) for home in homes]
        links: asyncio.Queue[str] = asyncio.Queue()
        guests = _guests(clients)
        lives = [
            Life(client, group, Random(f"{seed} {client.username}"), links, guest)  # noqa: S311
            for client, guest in zip(clients, guests, strict=True)
        ]
        stopped = asyncio.Event()
        tasks: list[asyncio.Task[None]] = []
        _print(None)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            match line:
                case "live":
                    tasks += [asyncio.create_task(life.live(stopped)) for life in lives]
                    _print(None)
                case "stop":
                    stopped.set()
                    await asyncio.gather(*tasks)
                    _print(_journal(lives))
                case "read":
                    for client in clients:
                        await client.sync()
                        if await _is_member(client, group):
                            await client.read(group, limit=1)
                    _print(None)
                case "find":
                    guest = guests[-1]
                    _print(
                        [
                            one
                            for c, h in zip(clients, homes, strict=True)
                            if (one := await _find(c, Path(h), group, c.username != guest))
                        ]
                    )
                case _:
                    raise ValueError(line)


def _guests(clients: Sequence[Client]) -> list[str]:
    """Whom each may ban or is: the last, for the first and for himself."""
    last = clients[-1].username
    return [last, *("" for _ in clients[1:-1]), last]


def _journal(lives: Sequence[Life]) -> Journal:
    refusals = sum((life.refusals for life in lives), Counter[str]())
    return Journal(deeds=[deed for life in lives for deed in life.deeds], refusals=dict(refusals))


async def _is_member(client: Client, group: str) -> bool:
    return any(str(one.group_id) == group for one in await client.groups())


async def _find(client: Client, home: Path, group: str, resident: bool) -> Found | None:
    await client.sync()
    if not await _is_member(client, group):
        assert not resident, "who was never banned is a member"
        return None
    unread = {str(one.conversation_id): one.unread for one in await client.unread()}.get(group, 0)
    profile, conversation_id = open_profile(home), UUID(group)
    log, messages = await profile.vault.read(  # nothing is marked as read by that
        lambda tx: (
            Log.load(tx, profile.account, conversation_id),
            newest(tx, conversation_id, MANY, None),
        )
    )
    await profile.close()
    return Found(
        who=client.username,
        resident=resident,
        messages=messages,
        unread=unread,
        seq=log.record.cursor,
        chain=log.record.link,
    )


def _print(answer: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], sys.argv[3:]))
