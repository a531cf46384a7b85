"""People with real clients: each has an account, a device and a profile of their own."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import aiohttp
import msgspec

from coterie.protocol.links import InviteLink
from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.recovery import RecoveryCode
from coterie.sdk.views import GroupSummary
from tests.support.insider import Insider

PASSWORD = "correct horse battery"
AT_ONCE = 8
_numbers = count(1)
"""Names are unique in a test run, so that tests may share a server."""


class World:
    """People of one server. `async with World(url, folder) as world`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.codes: dict[Client, RecoveryCode] = {}
        self._insiders: dict[Client, Insider] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> "World":
        connector = aiohttp.TCPConnector(limit=0)
        self.http = await self._open.enter_async_context(aiohttp.ClientSession(connector=connector))
        return self

    async def __aexit__(self, *_: object) -> None:
        for insider in self._insiders.values():
            await insider.close()
        await self._open.aclose()

    async def person(self, name: str, url: str | None = None) -> Client:
        """Somebody new; `url` may be a proxy's."""
        username = f"{name}.{next(_numbers)}"
        home = self.home(username)
        client, code = await Client.sign_up(home, url or self.url, username, PASSWORD)
        self.codes[client] = code
        return await self._open.enter_async_context(client)

    async def people(self, *names: str) -> list[Client]:
        return list(await asyncio.gather(*map(self.person, names)))

    async def crowd(self, size: int) -> list[Client]:
        """Many people; a few at a time, for each has a password to be hashed."""
        names = [f"member{number}" for number in range(size)]
        batches = [names[start : start + AT_ONCE] for start in range(0, size, AT_ONCE)]
        return [client for batch in batches for client in await self.people(*batch)]

    def home(self, username: str) -> Path:
        return self.folder / username

    def insider(self, client: Client) -> Insider:
        """What this person could do with a client of their own making."""
        if client not in self._insiders:
            self._insiders[client] = Insider(self.home(client.username), self.http)
        return self._insiders[client]

    async def group(
        self, owner: Client, members: Iterable[Client] = (), name: str = "the group"
    ) -> str:
        """A group with these members, who came by a link and know of each other; its id."""
        made = await owner.create_group(name)
        group_id = str(made.group_id)
        members = list(members)
        if members:
            invite = await owner.create_invite(group_id, expires_in=None, max_uses=len(members))
            for member in members:
                await join(member, invite.link)
            await owner.sync()
        return group_id

    async def give(self, owner: Client, group: str, roles: Mapping[Client, Role]) -> None:
        for member, role in roles.items():
            await owner.set_role(group, member.username, role)


async def join(client: Client, link: InviteLink) -> GroupSummary:
    """By a link that somebody else's address stands in, when clients go through proxies."""
    return await client.join(str(msgspec.structs.replace(link, server=client.server)))
