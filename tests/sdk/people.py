"""People with a device each."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.log import Log
from coterie.sdk.views import Message

T = TypeVar("T")
PASSWORD = "correct horse"
SOURCES = Path(__file__).parents[2] / "src"


def environment(**more: str) -> dict[str, str]:
    """Of a process that runs these sources."""
    return {**os.environ, "PYTHONPATH": str(SOURCES), **more}


class People:
    """Signs people up, and closes what they have opened."""

    def __init__(self, server: str, homes: Path) -> None:
        self.server = server
        self.homes = homes
        self._open: list[Client] = []

    async def meet(self, username: str, *, server: str | None = None) -> Client:
        """A new account on a new device."""
        home = self.homes / username
        client, _ = await Client.sign_up(home, server or self.server, username, PASSWORD)
        self._open.append(client)
        return client

    def again(self, username: str) -> Client:
        """Another process of the same profile."""
        client = Client.open(self.homes / username)
        self._open.append(client)
        return client

    async def go_home(self) -> None:
        for client in self._open:
            await client.close()


async def gather_in(name: str, owner: Client, *others: Client) -> str:
    """A group of these people; its id, as text."""
    group = await owner.create_group(name)
    if others:
        invite = await owner.create_invite(str(group.group_id))
        for other in others:
            await other.join(str(invite.link))
    return str(group.group_id)


async def texts(client: Client, target: str) -> list[str | None]:
    return [message.text for message in await client.read(target)]


async def last(client: Client, target: str) -> Message:
    return (await client.read(target, limit=1))[0]


async def look(home: Path, conversation_id: str, work: Callable[[Log], T]) -> T:
    """What a device has in its store, keys included: for attacks by somebody who is inside."""
    profile = open_profile(home)
    try:
        return await profile.vault.read(
            lambda tx: work(Log.load(tx, profile.account, UUID(conversation_id)))
        )
    finally:
        await profile.close()
