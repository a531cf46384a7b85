"""The WebSocket through a real HTTP server: who may listen, and what they hear."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from psycopg import AsyncConnection

from coterie.protocol import limits
from coterie.protocol.codec import EVENT_DECODER, MSGPACK_ENCODER
from coterie.protocol.commands import Command, Done, GetGroup, User
from coterie.protocol.errors import (
    Internal,
    Malformed,
    NotFound,
    Refusal,
    Refused,
    TooLarge,
    Unauthenticated,
)
from coterie.protocol.events import (
    Answered,
    Ask,
    ConversationAdded,
    Denied,
    EntryAdded,
    Hello,
    Ready,
)
from coterie.server.operations.access import Actor
from coterie.server.operations.turns import Turns
from coterie.server.realtime.committer import running_committer
from coterie.server.realtime.frames import CloseCode
from coterie.server.realtime.hub import Hub
from coterie.server.storage.outbox import Entered, SessionsEnded
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.websocket import AskAs, Authenticate, Events
from tests.server.population import Population, message

pytestmark = pytest.mark.timeout(60)


@contextlib.asynccontextmanager
async def serving(events: Events) -> AsyncGenerator[str]:
    """The route alone, and its address."""
    app = web.Application()
    app.router.add_get("/api/v1/events", events.get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def nobody_carries(actor: Actor, command: Command) -> Any:
    raise AssertionError("this test asks nothing")


class Server:
    """What the route asks. The token of an actor is the id of their device."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.actors: dict[str, Actor] = {}
        self.conversations: dict[UUID, list[UUID]] = {}
        self.url = ""
        self.carry: AskAs = nobody_carries

    def admit(self, actor: Actor, *conversation_ids: UUID) -> None:
        self.actors[str(actor.device_id)] = actor
        self.conversations[actor.user_id] = list(conversation_ids)

    async def authenticate(self, token: str, _address: str | None) -> Actor:
        if token not in self.actors:
            raise Refused(Unauthenticated())
        return self.actors[token]

    async def list_conversations(self, user_id: UUID) -> list[UUID]:
        return self.conversations[user_id]

    async def ask(self, actor: Actor, command: Command) -> Any:
        """What a test has put there."""
        return await self.carry(actor, command)

    @contextlib.asynccontextmanager
    async def running(self, **seconds: float) -> AsyncGenerator[None]:
        events = self.events(self.authenticate, **seconds)
        async with serving(events) as self.url:
            yield

    def events(self, authenticate: Authenticate, **seconds: float) -> Events:
        return Events(
            self.hub,
            authenticate,
            self.list_conversations,
            self.ask,
            Turns(),
            Addresses([], is_local=True),
            ["https://chat.example"],
            **seconds,
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with server.running():
        yield server
        server.hub.close()


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as client:
        yield client


def somebody() -> Actor:
    return Actor(uuid4(), uuid4(), b"")


async def listen(
    client: ClientSession, server: Server, actor: Actor, heartbeat: float | None = None
) -> ClientWebSocketResponse:
    """A socket that is ready."""
    connection = await client.ws_connect(f"{server.url}/api/v1/events", heartbeat=heartbeat)
    await connection.send_bytes(MSGPACK_ENCODER.encode(Hello(str(actor.device_id))))
    assert await event(connection) == Ready(actor.user_id)
    return connection


async def event(connection: ClientWebSocketResponse) -> Any:
    return EVENT_DECODER.decode(await connection.receive_bytes(timeout=10))


async def close_of(connection: ClientWebSocketResponse) -> tuple[int | None, str]:
    received = await connection.receive(timeout=20)
    assert received.type is WSMsgType.CLOSE
    return connection.close_code, received.extra or ""


async def test_who_is_ready_hears_what_is_committed(
    server: Server, client: ClientSession, database_url: str
) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        population = Population(connection)
        alice, bela, chen = await population.people(3)
        group = await population.group(alice, bela)
        for actor in (alice, bela):
            server.admit(actor, group)
        server.admit(chen)
        listening = [await listen(client, server, actor) for actor in (alice, bela)]
        stranger = await listen(client, server, chen)

        sent = message(alice, group)
        async with running_committer(database_url, server.hub) as committer:
            accepted = await committer.send(alice, sent)
            heard = [await event(connection) for connection in listening]

    assert heard[0] == heard[1]
    assert isinstance(heard[0], EntryAdded)
    assert heard[0].conversation_id == group
    pushed = heard[0].entry
    assert pushed.content == sent.entry
    assert (pushed.seq, pushed.message_id, pushed.sender_id) == (
        accepted.seq,
        accepted.message_id,
        alice.user_id,
    )
    assert pushed.created_at == accepted.created_at
    server.hub.close()
    assert (await close_of(stranger))[0] == CloseCode.RESTARTING, "and nothing before it"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (MSGPACK_ENCODER.encode(Hello("nobody's token")), "unauthenticated"),
        (MSGPACK_ENCODER.encode(Hello("x" * 129)), "malformed"),
        (b"\xff", "malformed"),
        (b"\x92\x64\xa1\xff", "malformed"),
        ("text", "malformed"),
    ],
)
async def test_without_a_session_nobody_listens(
    first: bytes | str, reason: str, server: Server, client: ClientSession
) -> None:
    async with client.ws_connect(f"{server.url}/api/v1/events") as connection:
        if isinstance(first, str):
            await connection.send_str(first)
        else:
            await connection.send_bytes(first)
        assert await close_of(connection) == (CloseCode.REFUSED, reason)


async def test_hello_comes_soon_or_the_socket_is_closed(
    server: Server, client: ClientSession
) -> None:
    async with (
        server.running(hello_seconds=0.05),
        client.ws_connect(f"{server.url}/api/v1/events") as connection,
    ):
        assert await close_of(connection) == (CloseCode.REFUSED, "malformed")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x92\x64\xa1\xff", id="text that is no UTF-8"),
        pytest.param(b"\x93\x64\xa1x" + b"\x91" * 4_000, id="nested too deep"),
    ],
)
async def test_what_is_no_hello_ends_the_socket(
    server: Server, client: ClientSession, frame: bytes
) -> None:
    async with client.ws_connect(f"{server.url}/api/v1/events") as connection:
        await connection.send_bytes(frame)

        assert await close_of(connection) == (CloseCode.REFUSED, "malformed")


async def test_pages_of_other_sites_may_not_connect(server: Server, client: ClientSession) -> None:
    url = f"{server.url}/api/v1/events"
    for origin in ("https://evil.example", "null", "http://[x", f"{server.url}.evil.example"):
        with pytest.raises(WSServerHandshakeError):
            await client.ws_connect(url, origin=origin)
    for origin in (server.url, "https://chat.example"):
        connection = await client.ws_connect(url, origin=origin)
        await connection.close()


async def test_nothing_is_compressed(server: Server, client: ClientSession) -> None:
    connection = await client.ws_connect(f"{server.url}/api/v1/events", compress=15)

    assert connection.compress == 0, "ciphertext does not shrink, and contexts cost memory"


async def test_what_is_no_frame_ends_the_socket(server: Server, client: ClientSession) -> None:
    alice = somebody()
    server.admit(alice)
    connection = await listen(client, server, alice)

    await connection.send_bytes(b"\x90")

    assert (await close_of(connection))[0] == CloseCode.UNSUPPORTED


def ask_frame(number: int, command: str, fields: object) -> bytes:
    return MSGPACK_ENCODER.encode(Ask(number, command, msgspec.Raw(MSGPACK_ENCODER.encode(fields))))


async def test_commands_wait_for_each_other_only_when_there_are_too_many(
    server: Server, client: ClientSession
) -> None:
    alice = somebody()
    server.admit(alice)
    begun: list[UUID] = []
    go_on = asyncio.Event()
    all_begun = asyncio.Event()

    async def carry(_: Actor, command: Command) -> Any:
        assert isinstance(command, GetGroup)
        begun.append(command.group_id)
        if len(begun) == limits.COMMANDS_AT_ONCE:
            all_begun.set()
        await go_on.wait()
        return Done()

    server.carry = carry
    connection = await listen(client, server, alice)
    asked = [UUID(int=number) for number in range(limits.COMMANDS_AT_ONCE + 5)]
    for number, group_id in enumerate(asked):
        await connection.send_bytes(ask_frame(number, "GetGroup", {"group_id": group_id}))
    await all_begun.wait()
    assert begun == asked[: limits.COMMANDS_AT_ONCE], "in the order they came"
    go_on.set()
    answers = [await event(connection) for _ in asked]
    assert {answer.number for answer in answers} == set(range(len(asked)))
    assert {type(answer) for answer in answers} == {Answered}
    assert begun == asked


async def test_what_cannot_be_asked_is_denied_and_the_socket_goes_on(
    server: Server, client: ClientSession
) -> None:
    alice = somebody()
    server.admit(alice)

    async def carry(_: Actor, command: Command) -> Any:
        match command:
            case GetGroup(group_id=UUID(int=1)):
                raise LookupError("the secret of alice")
            case GetGroup(group_id=UUID(int=2)):
                raise Refused(NotFound("group"))
            case GetGroup(group_id=UUID(int=3)):
                large = bytes(limits.SOCKET_ANSWER_BYTES)
                return User(user_id=uuid4(), username="x", identity_key=large, device_list=b"")
            case _:
                return Done()

    server.carry = carry
    connection = await listen(client, server, alice)
    group = {"group_id": uuid4()}
    refused: list[tuple[str, object, Refusal | type[Refusal]]] = [
        ("GetNothing", {}, NotFound("address")),
        ("SignUp", {}, NotFound("address")),
        ("GetGroup", {}, Malformed),
        ("GetGroup", {"group_id": "no id"}, Malformed),
        ("GetGroup", group | {"more": 1}, Malformed),
        ("GetGroup", [group], Malformed),
        ("GetGroup", {"group_id": UUID(int=1)}, Internal),
        ("GetGroup", {"group_id": UUID(int=2)}, NotFound("group")),
        ("GetGroup", {"group_id": UUID(int=3)}, TooLarge("answer", limits.SOCKET_ANSWER_BYTES)),
    ]
    for number, (command, fields, refusal) in enumerate(refused):
        await connection.send_bytes(ask_frame(number, command, fields))
        denied = await event(connection)
        assert isinstance(denied, Denied), command
        assert denied.number == number
        if isinstance(refusal, Refusal):
            assert denied.refusal == refusal
        else:
            assert isinstance(denied.refusal, refusal)
        assert "secret" not in str(denied.refusal)
    await connection.send_bytes(ask_frame(99, "GetGroup", group))
    assert (await event(connection)).number == 99


async def test_what_was_begun_is_carried_out_though_the_socket_has_gone(
    server: Server, client: ClientSession
) -> None:
    alice = somebody()
    server.admit(alice)
    begun, done = asyncio.Event(), asyncio.Event()

    async def carry(_: Actor, __: Command) -> Any:
        begun.set()
        await connection.close()
        done.set()
        return Done()

    server.carry = carry
    connection = await listen(client, server, alice)
    await connection.send_bytes(ask_frame(1, "GetGroup", {"group_id": uuid4()}))
    await begun.wait()
    async with asyncio.timeout(20):
        await done.wait()


async def test_whose_session_has_ended_asks_in_vain(server: Server, client: ClientSession) -> None:
    alice = somebody()
    server.admit(alice)
    connection = await listen(client, server, alice)
    server.actors.clear()
    await connection.send_bytes(ask_frame(1, "GetGroup", {"group_id": uuid4()}))
    assert (await event(connection)).refusal == Unauthenticated()


async def test_a_frame_too_large_ends_the_socket(server: Server, client: ClientSession) -> None:
    alice = somebody()
    server.admit(alice)
    connection = await listen(client, server, alice)

    await connection.send_bytes(bytes(limits.FRAME_BYTES + 1))

    assert (await close_of(connection))[0] == 1009


async def test_an_ended_session_ends_its_sockets(server: Server, client: ClientSession) -> None:
    alice = somebody()
    server.admit(alice)
    connection = await listen(client, server, alice)

    server.hub.announce([SessionsEnded(alice.device_id)])

    assert (await close_of(connection))[0] == CloseCode.REFUSED


async def test_a_session_that_ran_out_ends_its_sockets(
    server: Server, client: ClientSession
) -> None:
    alice, bela = somebody(), somebody()
    server.admit(alice)
    server.admit(bela)
    async with server.running(session_seconds=0.2):
        connection = await listen(client, server, alice, heartbeat=0.02)  # pings keep nothing alive
        other = await listen(client, server, bela)

        del server.actors[str(alice.device_id)]  # nobody announces it: the time was up

        assert await close_of(connection) == (CloseCode.REFUSED, "unauthenticated")
        server.hub.announce([Entered(group := uuid4(), (bela.user_id,))])
        assert await event(other) == ConversationAdded(group), "who is still logged in stays"
        await other.close()


async def test_a_session_that_ends_during_the_greeting_opens_nothing(
    server: Server, client: ClientSession
) -> None:
    alice = somebody()
    server.admit(alice)
    rightful = server.authenticate

    async def ends_after_the_first_look(token: str, address: str | None) -> Actor:
        actor = await rightful(token, address)
        server.actors.clear()
        return actor

    async with (
        serving(server.events(ends_after_the_first_look)) as url,
        client.ws_connect(f"{url}/api/v1/events") as connection,
    ):
        await connection.send_bytes(MSGPACK_ENCODER.encode(Hello(str(alice.device_id))))
        assert await close_of(connection) == (CloseCode.REFUSED, "unauthenticated")


async def test_an_account_has_only_so_many_sockets(server: Server, client: ClientSession) -> None:
    alice = somebody()
    server.admit(alice)
    first, *others = [
        await listen(client, server, alice) for _ in range(limits.SOCKETS_PER_ACCOUNT)
    ]

    one_more = await client.ws_connect(f"{server.url}/api/v1/events")
    await one_more.send_bytes(MSGPACK_ENCODER.encode(Hello(str(alice.device_id))))
    assert await close_of(one_more) == (CloseCode.REFUSED, "limit_reached")
    await first.close()
    await listen(client, server, alice)
    assert not any(other.closed for other in others)


async def test_who_does_not_read_is_closed_and_harms_nobody(
    server: Server, client: ClientSession, database_url: str
) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        population = Population(connection)
        alice, slow = await population.people(2)
        group = await population.group(alice, slow)
        server.admit(alice, group)
        server.admit(slow, group)
        reader = await listen(client, server, alice)
        with await asyncio.to_thread(_deaf, server.url, slow) as wire:
            async with running_committer(database_url, server.hub) as committer:
                for seq in range(1, 201):  # 12 MB, more than the kernel keeps
                    await committer.send(alice, message(alice, group, size=60_000))
                    assert (await event(reader)).entry.seq == seq
            last = await asyncio.to_thread(_read_to_the_end, wire)

    assert last[-4:] == b"\x88\x02" + CloseCode.TRY_AGAIN_LATER.to_bytes(2, "big")
    assert len(last) < 200 * 60_000, "what was kept for it is bounded"


def _deaf(url: str, actor: Actor) -> sockets.socket:
    """A client that reads until it is ready and then nothing."""
    host, port = url.removeprefix("http://").split(":")
    wire = sockets.socket()
    wire.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 64 * limits.KIB)
    wire.connect((host, int(port)))
    request = (
        "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    hello = MSGPACK_ENCODER.encode(Hello(str(actor.device_id)))
    wire.sendall(request.encode() + bytes((0x82, 0x80 | len(hello), 0, 0, 0, 0)) + hello)
    received = b""
    while MSGPACK_ENCODER.encode(Ready(actor.user_id)) not in received:
        received += wire.recv(1000)
    return wire


def _read_to_the_end(wire: sockets.socket) -> bytes:
    wire.settimeout(10)
    received = bytearray()
    with contextlib.suppress(ConnectionError, TimeoutError):
        while data := wire.recv(1 << 20):
            received += data
            if received.endswith(CloseCode.TRY_AGAIN_LATER.to_bytes(2, "big")):
                break
    return bytes(received)
