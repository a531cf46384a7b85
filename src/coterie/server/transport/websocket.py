"""`GET /api/v1/events`: the WebSocket that events are pushed over, and commands may come by."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import WSMsgType, web

from coterie.protocol import limits
from coterie.protocol.codec import HELLO_DECODER, UNREADABLE
from coterie.protocol.commands import Command
from coterie.protocol.errors import Forbidden, Malformed, RateLimited, Refusal, Refused, code_of
from coterie.protocol.events import Ready
from coterie.server.metrics import REFUSALS
from coterie.server.operations.access import Actor
from coterie.server.operations.turns import Turns
from coterie.server.realtime.frames import CloseCode, event_frame
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.socket import Socket
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.asking import Asking

Authenticate = Callable[[str, str | None], Awaitable[Actor]]
"""Whose token it is, brought from an address; from None where it was right before.

Raises Refused(Unauthenticated, RateLimited)."""
ListConversations = Callable[[UUID], Awaitable[Sequence[UUID]]]
"""The conversations this person takes part in."""
AskAs = Callable[[Actor, Command], Awaitable[Any]]
"""Carries out a command. Raises Refused."""


class Events:
    """`origins`: pages from there may connect, beside those from the host asked for.

    `hello_seconds`: how soon the first frame comes. `session_seconds`: how often a session is
    looked up again.
    """

    def __init__(
        self,
        hub: Hub,
        authenticate: Authenticate,
        list_conversations: ListConversations,
        ask: AskAs,
        turns: Turns,
        addresses: Addresses,
        origins: Sequence[str] = (),
        *,
        hello_seconds: float = limits.SOCKET_HELLO_SECONDS,
        session_seconds: float = limits.SOCKET_SESSION_SECONDS,
    ) -> None:
        self._hub = hub
        self._authenticate = authenticate
        self._list_conversations = list_conversations
        self._ask = ask
        self._turns = turns
        self._addresses = addresses
        self._silent: Counter[str] = Counter()
        self._opening = asyncio.Semaphore(limits.OPENING_SOCKETS)
        self._origins = frozenset(origins)
        self._hello_seconds = hello_seconds
        self._session_seconds = session_seconds

    async def get(self, request: web.Request) -> web.StreamResponse:
        self._require_origin(request)
        address = self._addresses.of(request)
        if address is not None and self._silent[address] >= limits.SILENT_SOCKETS_PER_ADDRESS:
            raise Refused(RateLimited(retry_after=1))
        connection = web.WebSocketResponse(
            heartbeat=limits.SOCKET_PING_SECONDS, compress=False, max_msg_size=limits.FRAME_BYTES
        )
        await connection.prepare(request)
        try:
            await self._serve(connection, request, address)
        except Refused as no:
            await _close(connection, no.refusal)
        return connection

    async def _serve(
        self, connection: web.WebSocketResponse, request: web.Request, address: str | None
    ) -> None:
        with self._counting(address):
            token = await self._hello(connection)
        actor = await self._authenticate(token, address)
        transport = request.transport
        if transport is None:
            return
        socket = Socket(transport, actor.user_id, actor.device_id)
        asking = Asking(
            connection,
            lambda command: self._carry(token, command),
            self._turns,
            actor.user_id,
        )
        watching = asyncio.create_task(self._watch_session(connection, token))
        try:
            async with self._opening:
                await self._open(socket, token)
            await _until_closed(connection, asking)
        finally:
            watching.cancel()
            self._hub.leave(socket)
            await asking.finish()

    async def _watch_session(self, connection: web.WebSocketResponse, token: str) -> None:
        """A session may end by time, which nobody announces."""
        while True:
            await asyncio.sleep(self._session_seconds)
            try:
                await self._authenticate(token, None)
            except Refused as no:
                await _close(connection, no.refusal)
                return

    @contextmanager
    def _counting(self, address: str | None) -> Generator[None]:
        """Of whom nobody knows yet who they are there are only so many from one address."""
        if address is None:
            yield
            return
        self._silent[address] += 1
        try:
            yield
        finally:
            self._silent[address] -= 1
            if not self._silent[address]:
                del self._silent[address]

    async def _hello(self, connection: web.WebSocketResponse) -> str:
        """The token in the client's first frame."""
        try:
            message = await connection.receive(timeout=self._hello_seconds)
            if message.type is WSMsgType.BINARY:
                return HELLO_DECODER.decode(message.data).token
        except (TimeoutError, *UNREADABLE):
            pass
        raise Refused(Malformed("the first frame must be Hello, and soon"))

    async def _open(self, socket: Socket, token: str) -> None:
        self._hub.open(socket)
        # Only now would the end of this session reach us: it may have ended in between.
        await self._authenticate(token, None)
        conversation_ids = await self._list_conversations(socket.user_id)
        socket.send(event_frame(Ready(socket.user_id)))
        self._hub.enter(socket, conversation_ids)

    async def _carry(self, token: str, command: Command) -> Any:
        """The session is asked for again each time, as it is over HTTP."""
        return await self._ask(await self._authenticate(token, None), command)

    def _require_origin(self, request: web.Request) -> None:
        """A page from elsewhere must not connect with what this browser knows."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self._origins:
            return
        with suppress(ValueError):
            if urlsplit(origin).netloc == request.host:
                return
        raise Refused(Forbidden("connect from another site"))


async def _until_closed(connection: web.WebSocketResponse, asking: Asking) -> None:
    while not connection.closed:
        message = await connection.receive()
        if message.type is WSMsgType.BINARY:
            try:
                await asking.take(message.data)
            except UNREADABLE:
                await connection.close(code=CloseCode.UNSUPPORTED)
        elif message.type is WSMsgType.TEXT:
            await connection.close(code=CloseCode.UNSUPPORTED)


async def _close(connection: web.WebSocketResponse, refusal: Refusal) -> None:
    REFUSALS.add(code_of(refusal))
    await connection.close(code=CloseCode.REFUSED, message=code_of(refusal).encode())
