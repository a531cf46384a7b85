"""Promise: nobody stands in the way of others: not by how much they ask, nor by how often.

Whoever has no session costs the server little memory, and not for long; whoever has one, little
more.
"""

import asyncio
import re
import secrets
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import msgspec
import psycopg
import pytest

from coterie.protocol import limits
from coterie.protocol.codec import EVENT_DECODER, MSGPACK_ENCODER
from coterie.protocol.commands import ListConversations, SendMessage
from coterie.protocol.events import Answered, Ask, Hello, Ready
from coterie.protocol.limits import KIB, MIB
from coterie.server.operations.sessions import token_hash
from tests.support.insider import Insider
from tests.support.people import World
from tests.support.server import Server

IDLE = 400
IDLE_BYTES = 64 * KIB
"""What one silent socket may take; measured are about 20 KiB."""
FRAME = 16 * MIB
SOCKETS, FLOOD = 20, 4_000
BODIES = 100
CROWD = 6
EVIL, ELSEWHERE = "203.0.113.7", "198.51.100.4"

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Memory:
    """What the server process takes, without its PostgreSQL, in bytes beyond its beginning."""

    def __init__(self, server: Server) -> None:
        self._process = Path(f"/proc/{server.pid}")
        (self._process / "clear_refs").write_text("5")  # the peak begins at what it is now
        self._before = self._read("VmRSS")

    @property
    def now(self) -> int:
        return self._read("VmRSS") - self._before

    @property
    def most(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        status = (self._process / "status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.M)
        assert found is not None
        return int(found[1]) * KIB


@asynccontextmanager
async def raw_socket(
    server: Server,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket after its handshake, with nothing in the way."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_frame_of_sixteen_mebibytes_is_not_kept(server: Server) -> None:
    """Eight at once, each all but its last byte: so none of them is ever a whole frame."""
    memory = Memory(server)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(raw_socket(server)) for _ in range(8)]
        for _, writer in sockets:
            writer.write(struct.pack(">BBQI", 0x82, 0xFF, FRAME, 0) + bytes(FRAME - 1))
        async with asyncio.timeout(2 * limits.SOCKET_HELLO_SECONDS):
            for reader, _ in sockets:
                with suppress(ConnectionError):  # the server closes before it has read it all
                    await reader.read()
    assert memory.most < FRAME


@pytest.mark.alone
async def test_silent_sockets_are_closed_and_cost_little(server: Server) -> None:
    memory = Memory(server)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        url = f"{server.url}/api/v1/events"
        sockets = await asyncio.gather(*(http.ws_connect(url) for _ in range(IDLE)))
        assert memory.now < IDLE * IDLE_BYTES
        async with asyncio.timeout(2 * limits.SOCKET_HELLO_SECONDS):
            ends = await asyncio.gather(*(socket.receive() for socket in sockets))
        assert {end.data for end in ends} == {aiohttp.WSCloseCode.POLICY_VIOLATION}


# --- those with a session


class Flooder:
    """Messages of one person by as many sockets as an account may have, as fast as they go."""

    def __init__(self, person: Insider, group_id: UUID) -> None:
        self._person = person
        self._group_id = group_id

    def frames(self, count: int) -> list[bytes]:
        view = self._person.view(self._group_id)
        entries = (self._person.seal(self._group_id, "me!", view=view) for _ in range(count))
        return [_ask(number, self._group_id, entry) for number, entry in enumerate(entries)]

    async def flood(self, http: aiohttp.ClientSession, frames: list[bytes]) -> list[Answered]:
        """Everything is on its way before the first answer is read."""
        async with self._socket(http) as socket:
            for frame in frames:
                await socket.send_bytes(frame)
            answers = list[Answered]()
            while len(answers) < len(frames):
                event = EVENT_DECODER.decode(await socket.receive_bytes())
                if isinstance(event, Answered):
                    answers.append(event)
            return answers

    @asynccontextmanager
    async def _socket(
        self, http: aiohttp.ClientSession
    ) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        caller = self._person.caller
        async with http.ws_connect(f"{caller.url}/api/v1/events") as socket:
            await socket.send_bytes(MSGPACK_ENCODER.encode(Hello(caller.token or "")))
            assert isinstance(EVENT_DECODER.decode(await socket.receive_bytes()), Ready)
            yield socket


def _ask(number: int, group_id: UUID, entry: bytes) -> bytes:
    fields = MSGPACK_ENCODER.encode(SendMessage(conversation_id=group_id, entry=entry))
    return MSGPACK_ENCODER.encode(Ask(number, SendMessage.__name__, msgspec.Raw(fields)))


async def test_one_person_does_not_stand_before_the_others(server: Server, tmp_path: Path) -> None:
    """However much of theirs waits: between two messages of somebody else only little of it is
    written."""
    async with World(server.url, tmp_path) as world:
        anna, bela = await world.people("anna", "bela")
        group_id = UUID(await world.group(anna, [bela]))
        flooder, calm = Flooder(world.insider(bela), group_id), world.insider(anna)
        shares = [flooder.frames(FLOOD // SOCKETS) for _ in range(SOCKETS)]
        flood = [asyncio.create_task(flooder.flood(world.http, share)) for share in shares]
        view, places = calm.view(group_id), list[int]()
        for _ in range(20):
            command = SendMessage(
                conversation_id=group_id, entry=calm.seal(group_id, "a word", view=view)
            )
            places.append((await calm.caller.call(command)).seq)
        answered = sum(map(len, await asyncio.gather(*flood)))
    between = [after - before for before, after in pairwise(places)]
    assert answered == FLOOD, "nothing of it was lost either"
    assert max(between) <= 4 * limits.COMMANDS_AT_ONCE, between
    assert places[-1] < FLOOD, "the flood was still rising"


@pytest.mark.alone
async def test_bodies_that_wait_for_their_turn_are_not_read(server: Server, tmp_path: Path) -> None:
    """A hundred at once, each all but its last byte."""
    async with World(server.url, tmp_path) as world, AsyncExitStack() as stack:
        anna = world.insider(await world.person("anna"))
        memory = Memory(server)
        for _ in range(BODIES):
            writer = await stack.enter_async_context(_sending(server, anna.caller.token or ""))
            with suppress(TimeoutError):  # it takes no more for now
                async with asyncio.timeout(0.2):
                    await writer.drain()
        assert memory.most < (2 * limits.COMMANDS_AT_ONCE) * limits.BODY_BYTES


@asynccontextmanager
async def _sending(server: Server, token: str) -> AsyncGenerator[asyncio.StreamWriter]:
    address = urlsplit(server.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    length = limits.BODY_BYTES
    writer.write(
        f"POST /api/v1/groups HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()
        + bytes(length - 1)
    )
    try:
        yield writer
    finally:
        writer.transport.abort()


# --- those without


@pytest.fixture(scope="module")
def public_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that is reached over a network, by a proxy on this machine."""
    data = tmp_path_factory.mktemp("public") / "data"
    with Server(data, "--public-url", "https://chat.example") as server:
        yield server


def _from(address: str, token: str | None = None) -> dict[str, str]:
    headers = {"X-Forwarded-For": address}
    return headers if token is None else headers | {"Authorization": f"Bearer {token}"}


async def test_invented_tokens_are_soon_not_looked_up(
    public_server: Server, tmp_path: Path
) -> None:
    """Who is known goes on, from there as well; and nobody elsewhere notices."""
    async with World(public_server.local_url, tmp_path) as world:
        anna, bela = [world.insider(one) for one in await world.people("anna", "bela")]
        url = f"{public_server.local_url}/api/v1/account"

        async def status(address: str, token: str | None) -> int:
            async with world.http.get(url, headers=_from(address, token)) as answer:
                return answer.status

        assert await status(EVIL, anna.caller.token) == 200
        most, _ = limits.WRONG_TOKENS_PER_ADDRESS
        invented = [await status(EVIL, f"invented{number}") for number in range(most)]
        assert set(invented) == {401}
        assert await status(EVIL, "one more") == 429
        assert await status(EVIL, anna.caller.token) == 200, "her token is remembered"
        assert await status(ELSEWHERE, bela.caller.token) == 200
        assert await status(ELSEWHERE, "invented") == 401


async def test_an_address_has_only_so_many_silent_sockets(
    public_server: Server, tmp_path: Path
) -> None:
    url = f"{public_server.local_url}/api/v1/events"
    async with World(public_server.local_url, tmp_path) as world, AsyncExitStack() as stack:
        anna = world.insider(await world.person("anna"))

        async def connect(address: str) -> aiohttp.ClientWebSocketResponse:
            socket = await world.http.ws_connect(url, headers=_from(address))
            stack.push_async_callback(socket.close)
            return socket

        silent = [await connect(EVIL) for _ in range(limits.SILENT_SOCKETS_PER_ADDRESS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(EVIL)
        assert refused.value.status == 429
        await connect(ELSEWHERE)
        await silent[0].send_bytes(MSGPACK_ENCODER.encode(Hello(anna.caller.token or "")))
        assert isinstance(EVENT_DECODER.decode(await silent[0].receive_bytes()), Ready)
        await connect(EVIL)


async def test_looking_at_what_server_it_is_has_an_end(
    public_server: Server, tmp_path: Path
) -> None:
    async with World(public_server.local_url, tmp_path) as world:

        async def status(address: str) -> int:
            url = f"{public_server.local_url}/api/v1/server"
            async with world.http.get(url, headers=_from(address)) as answer:
                return answer.status

        most, _ = limits.GREETINGS_PER_ADDRESS
        assert {await status(EVIL) for _ in range(most)} == {200}
        begin = asyncio.get_running_loop().time()
        refused = await asyncio.gather(*[status(EVIL) for _ in range(limits.COMMANDS_AT_ONCE + 1)])
        taken = asyncio.get_running_loop().time() - begin
        assert set(refused) == {429}
        assert taken >= 2 * limits.RATE_LIMITED_SECONDS, "who asks on is told so slowly"
        assert await status(ELSEWHERE) == 200


async def test_a_stampede_is_let_in_and_those_inside_go_on(tmp_path: Path) -> None:
    """All come at once after a restart, each with a token that nobody remembers."""
    with Server(tmp_path / "data") as server:
        async with World(server.url, tmp_path / "people") as world:
            crowd = [world.insider(one) for one in await world.crowd(CROWD)]
            tokens = [token for one in crowd for token in _more_sessions(server, one)]
            server.stop()
            await server.restart()
            calm = crowd[0].caller
            herd = asyncio.gather(*(_come_in(world.http, server, token) for token in tokens))
            answers = 0
            while not herd.done():
                await calm.call(ListConversations())
                answers += 1
            ready = await herd
        assert all(isinstance(event, Ready) for event in ready)
        assert len(ready) == len(tokens)
        assert answers
        assert "database.unavailable" not in server.logs


def _more_sessions(server: Server, person: Insider) -> list[str]:
    """As many as an account may have sockets."""
    tokens = [secrets.token_urlsafe(32) for _ in range(limits.SOCKETS_PER_ACCOUNT)]
    account = person.account
    with psycopg.connect(server.database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO sessions (token_hash, user_id, device_id, expires_at)"
            " VALUES (%s, %s, %s, now() + interval '1 day')",
            [(token_hash(token), account.user_id, account.device_id) for token in tokens],
        )
    return tokens


async def _come_in(http: aiohttp.ClientSession, server: Server, token: str) -> object:
    async with http.ws_connect(f"{server.url}/api/v1/events") as socket:
        await socket.send_bytes(MSGPACK_ENCODER.encode(Hello(token)))
        return EVENT_DECODER.decode(await socket.receive_bytes())
