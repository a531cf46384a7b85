"""Events: watchers are woken by changes of theirs, and after every gap."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from coterie.protocol.codec import HELLO_DECODER, MSGPACK_ENCODER
from coterie.protocol.commands import Entry
from coterie.protocol.events import EntryAdded, Event, Ready
from coterie.protocol.header import EntryKind
from coterie.protocol.limits import EVENT_BYTES
from coterie.sdk.connection import Connection
from coterie.sdk.live import Live
from coterie.server.realtime.frames import CloseCode


async def shows_nothing() -> bool:
    return False


class Sockets:
    """The server's end: says Ready, hands out each socket it has."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.tokens: list[str] = []

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.tokens.append(HELLO_DECODER.decode(await socket.receive_bytes()).token)
        await push(socket, Ready(uuid4()))
        await self.opened.put(socket)
        async for _ in socket:
            pass
        return socket

    async def start(self) -> TestServer:
        app = web.Application()
        app.router.add_get("/api/v1/events", self.accept)
        server = TestServer(app)
        await server.start_server()
        return server


async def push(socket: web.WebSocketResponse, event: Event) -> None:
    await socket.send_bytes(MSGPACK_ENCODER.encode(event))


def entry_in(conversation_id: UUID) -> EntryAdded:
    entry = Entry(
        seq=1,
        kind=EntryKind.MESSAGE,
        epoch=0,
        sender_id=uuid4(),
        device_id=uuid4(),
        message_id=1,
        content=b"x",
        hash=bytes(32),
        created_at=datetime.now(UTC),
    )
    return EntryAdded(conversation_id, entry)


async def woken(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()
    event.clear()


async def test_a_watcher_is_woken_by_its_own_conversation_only() -> None:
    sockets = Sockets()
    server = await sockets.start()
    connection = Connection(str(server.make_url("")), "the token")
    live = Live(connection, shows_nothing)
    one, other = uuid4(), uuid4()
    with live.watch(one) as first, live.watch(other) as second, live.watch(None) as any_:
        socket = await sockets.opened.get()
        for event in (first, second, any_):
            await woken(event)  # by Ready: whatever was missed before is fetched now
        await push(socket, entry_in(other))
        await woken(second)
        await woken(any_)
        assert not first.is_set(), "nothing happened in that conversation"
    assert sockets.tokens == ["the token"]
    await live.close()
    await connection.close()
    await server.close()


@pytest.mark.parametrize("code", [1000, *CloseCode], ids=str)
async def test_a_lost_socket_is_opened_again_and_everybody_looks(code: int) -> None:
    """Whatever the reason: what was missed is fetched then."""
    sockets = Sockets()
    server = await sockets.start()
    connection = Connection(str(server.make_url("")), "the token")
    live = Live(connection, shows_nothing)
    with live.watch(uuid4()) as changed:
        for _ in range(3):
            socket = await sockets.opened.get()
            await woken(changed)
            await socket.close(code=code)
        await sockets.opened.get()
        await woken(changed)
    await live.close()
    await connection.close()
    await server.close()


async def test_what_is_no_event_ends_nothing() -> None:
    """A refusal whose code is no text, and a frame larger than any event."""
    sockets = Sockets()
    server = await sockets.start()
    connection = Connection(str(server.make_url("")), "the token")
    live = Live(connection, shows_nothing)
    with live.watch(uuid4()) as changed:
        socket = await sockets.opened.get()
        await woken(changed)
        await socket.send_bytes(b"\x93\x33\x01\x81\xa4code\xa1\xff")
        await woken(changed)
        await socket.send_bytes(bytes(EVENT_BYTES + 1))
        await sockets.opened.get()
        await woken(changed)
    await live.close()
    await connection.close()
    await server.close()


async def test_an_unknown_event_wakes_everybody() -> None:
    sockets = Sockets()
    server = await sockets.start()
    connection = Connection(str(server.make_url("")), "the token")
    live = Live(connection, shows_nothing)
    with live.watch(uuid4()) as changed:
        socket = await sockets.opened.get()
        await woken(changed)
        await socket.send_bytes(b"\x92\x63\x01")
        await woken(changed)
    await live.close()
    await connection.close()
    await server.close()
