"""People with a device each."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.header import NO_TARGET, EntryKind, Header
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.connection import PATIENCE_SECONDS
from coterie.sdk.content import Body, DeviceListRef, ForeignHead, Head, seal_entry
from coterie.sdk.heads import own_head
from coterie.sdk.log import Log
from coterie.sdk.outgoing import new_client_id
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
        await client.forget_recovery_code()
        self._open.append(client)
        return client

    def again(self, username: str, *, patience: float = PATIENCE_SECONDS) -> Client:
        """Another process of the same profile."""
        client = Client.open(self.homes / username, patience=patience)
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


async def tell(
    home: Path,
    conversation_id: str,
    head: Head | None = None,
    foreign_heads: Sequence[ForeignHead] = (),
    *,
    mentions: Sequence[UUID] = (),
    everyone: bool = False,
) -> None:
    """Write a message that tells of these heads, or mentions these people: by a member's key, and
    a client of their own."""

    def seal(log: Log) -> SendMessage:
        account, epoch = log.account, log.epoch()
        kind, number = EntryKind.MESSAGE, log.record.epoch
        place = log.conversation_id, number, account.device_id, new_client_id(), kind, NO_TARGET
        body = Body(
            text="what I saw",
            head=head or own_head(log),
            foreign_heads=tuple(foreign_heads),
            device_list=DeviceListRef(1, bytes(32)),
            mentions=tuple(mentions),
            everyone=everyone,
        )
        key = epoch.content_key or b""
        entry = seal_entry(key, Header(*place), body, account.device_seed, epoch.context_hash)
        return SendMessage(conversation_id=log.conversation_id, entry=entry)

    command = await look(home, conversation_id, seal)
    profile = open_profile(home)
    try:
        await profile.connection.call(command, Accepted)
    finally:
        await profile.close()
