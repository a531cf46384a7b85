"""One table of commands, three ways to ask: JSON and msgpack over HTTP, and the WebSocket."""

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiohttp import ClientSession

from coterie.protocol import commands as c
from coterie.protocol.api import BY_COMMAND, PREFIX
from coterie.protocol.codec import EVENT_DECODER, JSON_ENCODER, MSGPACK_ENCODER
from coterie.protocol.errors import AnyRefusal, Malformed, NotFound, Refusal
from coterie.protocol.events import Answered, Ask, Denied, Hello
from coterie.protocol.header import EntryKind
from tests.server.client import NewPerson, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

Pipe = Callable[[c.Command], Awaitable[Any]]
"""The result of a command, or its refusal."""
MSGPACK = "application/msgpack"


def over_http(person: Person, content_type: str) -> Pipe:
    async def ask(command: c.Command) -> Any:
        endpoint = BY_COMMAND[type(command)]
        fields = {k: v for k, v in msgspec.structs.asdict(command).items() if v is not None}
        path = PREFIX + endpoint.path
        for name in [name for name in fields if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", str(fields.pop(name)))
        in_query = endpoint.method in ("GET", "DELETE")
        packed = content_type == MSGPACK
        encoder = MSGPACK_ENCODER if packed else JSON_ENCODER
        async with person.http.request(
            endpoint.method,
            path,
            params={k: str(v) for k, v in fields.items()} if in_query else None,
            data=None if in_query else encoder.encode(fields),
            headers={
                "Authorization": f"Bearer {person.token}",
                "Accept": content_type,
                "Content-Type": content_type,
            },
        ) as response:
            assert response.content_type == content_type
            body = await response.read()
        decode = msgspec.msgpack.decode if packed else msgspec.json.decode
        return decode(body, type=endpoint.result if response.status == 200 else AnyRefusal)

    return ask


@asynccontextmanager
async def over_socket(person: Person) -> AsyncGenerator[Pipe]:
    numbers = itertools.count(7)
    async with person.http.ws_connect(f"{PREFIX}/events") as socket:
        assert person.token is not None
        await socket.send_bytes(MSGPACK_ENCODER.encode(Hello(person.token)))

        async def ask(command: c.Command) -> Any:
            number, fields = next(numbers), msgspec.Raw(MSGPACK_ENCODER.encode(command))
            frame = Ask(number, type(command).__name__, fields)
            await socket.send_bytes(MSGPACK_ENCODER.encode(frame))
            while True:
                match EVENT_DECODER.decode(await socket.receive_bytes(timeout=20)):
                    case Answered(number=answered, result=result) if answered == number:
                        shape = BY_COMMAND[type(command)].result
                        return msgspec.msgpack.decode(result, type=shape)
                    case Denied(number=denied, refusal=refusal) if denied == number:
                        return refusal
                    case _:
                        continue

        yield ask


@asynccontextmanager
async def all_pipes(person: Person) -> AsyncGenerator[list[Pipe]]:
    async with over_socket(person) as socket:
        yield [over_http(person, "application/json"), over_http(person, MSGPACK), socket]


async def test_what_is_read_is_the_same(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    for _ in range(3):
        await bela.send(group_id)
    questions: list[c.Command] = [
        c.GetAccount(),
        c.GetUser(username=bela.username),
        c.ListConversations(limit=1),
        c.GetGroup(group_id=group_id),
        c.ListMembers(group_id=group_id),
        c.ListEntries(conversation_id=group_id, after=0),
        c.GetGroupInfo(conversation_id=group_id),
        c.ListInvites(group_id=group_id),
    ]
    async with all_pipes(bela) as pipes:
        for question in questions:
            first, *others = [await ask(question) for ask in pipes]
            assert not isinstance(first, Refusal), first
            assert others == [first, first], question


async def test_what_is_changed_is_changed(new_person: NewPerson) -> None:
    """And a repetition is one, whichever way it comes."""
    bela = await new_person("carla")
    group_id = await bela.create_group()
    async with all_pipes(bela) as pipes:
        for number, ask in enumerate(pipes, start=1):
            entry = bela.sealed(group_id, EntryKind.MESSAGE)
            message = c.SendMessage(conversation_id=group_id, entry=entry, file_ids=[])
            accepted = await ask(message)
            assert isinstance(accepted, c.Accepted), accepted
            assert accepted.seq == number
            for again in pipes:
                assert await again(message) == accepted
            changed = await ask(c.UpdateGroup(group_id=group_id, description=f"by pipe {number}"))
            assert changed == c.Done()
            assert (await ask(c.GetGroup(group_id=group_id))).description == f"by pipe {number}"


async def test_refusals_are_the_same(new_person: NewPerson) -> None:
    bela = await new_person("dora")
    group_id = await bela.create_group()
    async with all_pipes(bela) as pipes:
        for question, refusal in (
            (c.GetGroup(group_id=uuid4()), NotFound),
            (c.ListEntries(conversation_id=uuid4(), after=0), NotFound),
            (c.GetUser(username="nobody-of-that-name"), NotFound),
            (c.UpdateGroup(group_id=group_id, description="x\0"), Malformed),
        ):
            first, *others = [await ask(question) for ask in pipes]
            assert isinstance(first, refusal), first
            assert others == [first, first]


async def test_without_a_session_only_the_public_is_answered(http: ClientSession) -> None:
    headers = {"Accept": MSGPACK}
    async with http.get(f"{PREFIX}/server", headers=headers) as response:
        found = msgspec.msgpack.decode(await response.read(), type=c.ServerInfo)
        assert len(found.server_key) == 32
    async with http.get(f"{PREFIX}/account", headers=headers) as response:
        assert response.status == 401
        assert msgspec.msgpack.decode(await response.read())["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "body", [b"", b"\x90", b"\xc1", b"\x81", b"\x81\xa1\xff\x01", b"\x91" * 100_000]
)
async def test_what_is_no_command_in_msgpack_is_malformed(
    new_person: NewPerson, body: bytes
) -> None:
    bela = await new_person("emil")
    headers = {"Authorization": f"Bearer {bela.token}", "Content-Type": MSGPACK}
    async with bela.http.post(f"{PREFIX}/groups", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["code"] == "malformed"
