"""A world that has lived, and a request of each operation that its server takes.

Most are what real clients asked for meanwhile, on their way through a proxy; the others are what
clients ask for after an accident only, and what ends something.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote
from uuid import UUID, uuid4

import msgspec

from coterie.protocol import commands as c
from coterie.protocol.api import BY_COMMAND
from coterie.protocol.commands import Command
from tests.support import acts
from tests.support.acts import Build
from tests.support.cast import Cast
from tests.support.people import PASSWORD, World, join
from tests.support.proxy import Answered, Asked, Forward, Proxy, honest
from tests.support.wire import Caller, parts

FILE_BYTES = 1000
TOLD = {"tus-resumable", "upload-offset", "upload-length", "upload-metadata", "content-type"}
TUS = {"Tus-Resumable": "1.0.0"}


class Request(NamedTuple):
    """`path` is a template of the OpenAPI document, and `fields` fill it in. `body` is bytes, or
    what its JSON says."""

    method: str
    path: str
    fields: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    token: str | None

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


class Prepared:
    """`honest`: the newest request of each operation, by its label. `tokens` are everybody's."""

    def __init__(self, templates: Sequence[str]) -> None:
        self.honest: dict[str, Request] = {}
        self.tokens: list[str] = []
        self._templates = sorted(templates, key=lambda one: one.count("{"))

    async def live(self, server: str, folder: Path) -> None:
        async with Proxy(server) as proxy, World(proxy.url, folder) as world:
            proxy.forger = self._record
            cast = Cast(world)
            await cast.assemble()
            self.tokens = [str(insider.caller.token) for insider in cast.insiders.values()]
            await _talk(cast, folder)
            await _govern(cast)
            for actor, build in BY_HAND:
                await cast.ask(actor, build(cast, actor))
                await cast.sync(("owner", "member"))
            proxy.forger = honest
            await self._leave_undone(cast)

    async def _record(self, asked: Asked, forward: Forward) -> Answered:
        answered = await forward(asked)
        if answered.status < 300:
            self._keep(self._request(asked))
        return answered

    def _keep(self, request: Request) -> None:
        self.honest[request.label] = request

    def _request(self, asked: Asked) -> Request:
        path, fields = next(self._fitting(asked.path))
        in_json = asked.headers.get("Content-Type") == "application/json"
        return Request(
            asked.method,
            path,
            fields,
            dict(parse_qsl(asked.query)),
            {name: value for name, value in asked.headers.items() if name.lower() in TOLD},
            msgspec.json.decode(asked.body) if in_json else asked.body or None,
            asked.headers.get("Authorization", "").removeprefix("Bearer ") or None,
        )

    def _fitting(self, path: str) -> Iterator[tuple[str, dict[str, str]]]:
        theirs = path.split("/")
        for template in self._templates:
            ours = template.split("/")
            pairs = [*zip(ours, theirs, strict=False)]
            if len(ours) == len(theirs) and all(o[:1] == "{" or o == t for o, t in pairs):
                yield template, {o[1:-1]: unquote(t) for o, t in pairs if o[:1] == "{"}

    async def _leave_undone(self, cast: Cast) -> None:
        """What can be asked for once: of a spare session, a spare group and spare files."""
        owner, stranger = (cast.insiders[part].caller for part in ("owner", "stranger"))
        session: c.Session = await owner.call(log_in(cast, "owner"))
        spare = await cast.clients["stranger"].create_group("spare")
        self._keep(_of(c.LogOut(), session.token))
        self._keep(_of(c.DeleteGroup(group_id=spare.group_id, name=spare.name), stranger.token))
        discarded, ended, put, patched = [await _reserve(cast, owner) for _ in range(4)]
        self._keep(_of(c.DiscardFile(file_id=discarded), owner.token))
        whole, piece = bytes(FILE_BYTES), {"Content-Type": "application/offset+octet-stream"}
        self._keep(_of_file("DELETE", ended, owner, TUS))
        self._keep(_of_file("PUT", put, owner, body=whole))
        self._keep(_of_file("HEAD", patched, owner, TUS))
        self._keep(_of_file("PATCH", patched, owner, TUS | piece | {"Upload-Offset": "0"}, whole))
        self._keep(_of_file("OPTIONS", patched, owner))
        self._keep(Request("POST", "/files", {}, {}, _tus_creation(cast), None, owner.token))


async def _talk(cast: Cast, folder: Path) -> None:
    owner, member = cast.owner, cast.clients["member"]
    path = folder / "minutes.txt"
    path.write_text("the minutes")
    sent = await owner.send(cast.group, "see the file", files=[path])
    await owner.edit(cast.group, sent.message_id, "see it")
    (message,) = await member.read(cast.group, limit=1)
    await member.react(cast.group, message.message_id, "👍")
    await owner.pin(cast.group, message.message_id)
    await owner.audit(cast.group)
    await member.download(cast.group, message.files[0].file_id, folder / "out.txt")
    said = await member.send(cast.group, "never mind")
    await member.delete(cast.group, said.message_id)
    await owner.send(f"@{member.username}", "between us")
    await member.read(f"@{owner.username}")


async def _govern(cast: Cast) -> None:
    owner, stranger = cast.owner, cast.name("stranger")
    await owner.block(stranger)
    await owner.blocks()
    await owner.unblock(stranger)
    invite = await owner.create_invite(cast.group)
    await owner.invites(cast.group)
    await owner.revoke_invite(cast.group, invite.code)
    await owner.bans(cast.group)
    await owner.unban(cast.group, cast.name("banned"))
    await owner.kick(cast.group, cast.name("target"))
    await cast.sync(("owner", "admin"))
    await owner.transfer(cast.group, cast.name("admin"))
    await cast.sync(("admin",))
    await cast.clients["admin"].transfer(cast.group, owner.username)
    invite = await owner.create_invite(cast.group)
    await owner.update_group(cast.group, name="the cast, renamed")
    await join(cast.clients["left"], invite.link)
    await cast.sync(("owner", "admin", "moderator", "member", "left"))


def log_in(cast: Cast, part: str) -> c.LogIn:
    account = cast.insiders[part].account
    return c.LogIn(username=account.username, password=PASSWORD, device_id=account.device_id)


def _at_its_beginning(cast: Cast) -> c.ReadCursor:
    return c.ReadCursor(conversation_id=cast.group_id)


BY_HAND: list[tuple[str, Build]] = [
    ("owner", acts.look(c.GetGroup)),
    ("owner", acts.read(c.GetConversation)),
    ("owner", lambda cast, _: c.ListNewEntries(cursors=[_at_its_beginning(cast)])),
    ("owner", acts.read(c.GetAnchor)),
    ("owner", acts.read(c.ListCommits)),
    ("owner", acts.read(c.GetGroupInfo)),
    ("member", acts.update_leaf),
    ("owner", acts.publish_group_info),
    ("member", lambda cast, _: c.GetDirect(peer_id=cast.user_id("owner"))),
    ("member", lambda cast, _: c.ShowTyping(conversation_id=cast.group_id)),
    ("member", lambda cast, _: c.ShowPresence(here=True)),
    ("member", lambda cast, _: c.ClaimKeyPackages(user_id=cast.user_id("owner"))),
    ("member", lambda cast, _: c.RemoveWelcome(conversation_id=cast.group_id)),
    ("member", lambda _cast, _: c.GetServer()),
    ("member", lambda _cast, _: c.GetAccount()),
    ("member", lambda cast, _: c.ListUsers(user_ids=[cast.user_id("owner")])),
    ("member", lambda _cast, _: c.ListWelcomes()),
    ("member", log_in),
]
"""What clients ask for only after an accident, if ever."""


def _of(command: Command, token: str | None) -> Request:
    row = BY_COMMAND[type(command)]
    _, query, body = parts(row, command)
    fields = {
        name: str(value)
        for name, value in msgspec.to_builtins(command).items()
        if f"{{{name}}}" in row.path
    }
    content = None if body is None else msgspec.json.decode(body)
    return Request(row.method, row.path, fields, query, {}, content, token)


def _of_file(
    method: str,
    file_id: UUID,
    caller: Caller,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Request:
    path = "/files/{file_id}/content"
    return Request(method, path, {"file_id": str(file_id)}, {}, headers or {}, body, caller.token)


async def _reserve(cast: Cast, caller: Caller) -> UUID:
    reserved: c.FileReserved = await caller.call(acts.upload(cast, "owner"))
    return reserved.file_id


def _tus_creation(cast: Cast) -> dict[str, str]:
    told = {
        "conversation_id": cast.group.encode(),
        "file_id": str(uuid4()).encode(),
        "filename": b"bmFtZQ",
        "encryption_header": bytes(24),
    }
    metadata = ",".join(f"{name} {b64encode(value).decode()}" for name, value in told.items())
    return TUS | {"Upload-Length": str(FILE_BYTES), "Upload-Metadata": metadata}
