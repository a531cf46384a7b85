"""A group with one person of each role, and people who are not in it: the actors of the matrix."""

from collections.abc import Iterable
from uuid import UUID

from coterie.protocol.commands import Command, SendMessage
from coterie.protocol.errors import Refusal
from coterie.protocol.header import entry_hash
from coterie.protocol.roles import Role
from coterie.sdk import Client
from tests.support.insider import Insider
from tests.support.people import World, join

INSIDE = ("owner", "admin", "moderator", "member")
OUTSIDE = ("banned", "left", "stranger")


class Cast:
    """People by their part. `target` is acted upon, and takes any role."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clients: dict[str, Client] = {}
        self.insiders: dict[str, Insider] = {}
        self.group = ""
        self.said: dict[str, bytes] = {}
        """A message of each who is inside, by the hash of its entry."""

    @property
    def group_id(self) -> UUID:
        return UUID(self.group)

    async def assemble(self) -> None:
        parts = [*INSIDE, *OUTSIDE, "target"]
        people = await self.world.people(*parts)
        self.clients = dict(zip(parts, people, strict=True))
        self.insiders = {part: self.world.insider(client) for part, client in self.clients.items()}
        inside = [self.clients[part] for part in (*INSIDE[1:], "banned", "left", "target")]
        self.group = await self.world.group(self.owner, inside, name="the cast")
        await self.owner.set_role(self.group, self.clients["admin"].username, Role.ADMIN)
        await self.owner.set_role(self.group, self.clients["moderator"].username, Role.MODERATOR)
        await self.clients["left"].sync()
        await self.clients["left"].leave(self.group)
        await self.owner.ban(self.group, self.clients["banned"].username, "for the tests")
        await self.owner.send(self.group, "the keys of who left are removed before this")
        await self.sync()
        for part in INSIDE:
            await self.say(part)

    async def say(self, part: str) -> None:
        entry = self.insiders[part].seal(self.group_id, f"the {part} was here")
        command = SendMessage(conversation_id=self.group_id, entry=entry)
        await self.insiders[part].caller.call(command)
        self.said[part] = entry_hash(entry)

    @property
    def owner(self) -> Client:
        return self.clients["owner"]

    @property
    def target(self) -> Insider:
        return self.insiders["target"]

    def name(self, part: str) -> str:
        return self.clients[part].username

    def user_id(self, part: str) -> UUID:
        return self.clients[part].user_id

    def builder(self, part: str) -> Insider:
        """Whose state of the group `part` builds upon: outsiders have to borrow one."""
        return self.insiders[part if part not in OUTSIDE else "member"]

    async def sync(self, parts: Iterable[str] = (*INSIDE, "target")) -> None:
        for part in parts:
            await self.clients[part].sync()

    async def ask(self, actor: str, command: Command) -> object:
        """The answer; a commit that was ordered is adopted by the actor's own client too."""
        answer = await self.insiders[actor].caller.ask(command)
        if not isinstance(answer, Refusal):
            await self.insiders[actor].adopt(command)
        return answer

    async def make_target(self, role: str) -> None:
        """The target is a member with this role, whatever was done to it before."""
        members = {m.username: m.role for m in await self.owner.members(self.group)}
        if self.name("target") not in members:
            invite = await self.owner.create_invite(self.group, expires_in=None, max_uses=1)
            await join(self.clients["target"], invite.link)
            members[self.name("target")] = Role.MEMBER
        if members[self.name("target")] != role:
            await self.owner.set_role(self.group, self.name("target"), Role(role))
        await self.sync()
