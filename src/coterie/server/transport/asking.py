"""Commands over a socket: several at once, each answered when its answer is there."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec
from aiohttp import web

from coterie.protocol import limits
from coterie.protocol.api import BY_NAME
from coterie.protocol.codec import ASK_DECODER, MSGPACK_ENCODER, UNREADABLE
from coterie.protocol.commands import Command
from coterie.protocol.errors import Malformed, NotFound, Refusal, Refused, TooLarge, code_of
from coterie.protocol.events import Answered, Ask, Denied
from coterie.server.metrics import REFUSALS
from coterie.server.operations.turns import Turns
from coterie.server.transport.incidents import incident_of

if TYPE_CHECKING:
    from coterie.protocol.errors import AnyRefusal

Carry = Callable[[Command], Awaitable[Any]]
"""Carries a command out, for whoever the socket belongs to. Raises Refused."""


class Asking:
    """What one socket has asked and not been told yet, on behalf of `user_id`."""

    def __init__(
        self, connection: web.WebSocketResponse, carry: Carry, turns: Turns, user_id: UUID
    ) -> None:
        self._connection = connection
        self._carry = carry
        self._turns = turns
        self._whose = user_id.int
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, frame: bytes) -> None:
        """Begin to answer a frame, when it is its turn. Raises `UNREADABLE`."""
        asked = ASK_DECODER.decode(frame)
        await self._turns.take(self._whose)
        task = asyncio.create_task(self._answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def finish(self) -> None:
        """What was begun is carried out, though nobody may hear of it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turns.end(self._whose)

    async def _answer(self, asked: Ask) -> None:
        answer = MSGPACK_ENCODER.encode(await self._outcome(asked))
        if len(answer) > limits.SOCKET_ANSWER_BYTES:
            too_large = TooLarge("answer", limits.SOCKET_ANSWER_BYTES)
            answer = MSGPACK_ENCODER.encode(_denied(asked, too_large))
        async with self._writing:  # one large answer after the other: the rest is pushed between
            with suppress(ConnectionError):
                await self._connection.send_bytes(answer)

    async def _outcome(self, asked: Ask) -> Answered | Denied:
        try:
            result = await self._carry(_command(asked))
        except Refused as no:
            return _denied(asked, no.refusal)
        except Exception as error:
            return _denied(asked, incident_of(error))
        return Answered(asked.number, msgspec.Raw(MSGPACK_ENCODER.encode(result)))


def _denied(asked: Ask, refusal: Refusal) -> Denied:
    REFUSALS.add(code_of(refusal))
    return Denied(asked.number, cast("AnyRefusal", refusal))  # every Refusal is one of them


def _command(asked: Ask) -> Command:
    endpoint = BY_NAME.get(asked.command)
    if endpoint is None or endpoint.public:
        raise Refused(NotFound("address"))
    try:
        return msgspec.msgpack.decode(asked.fields, type=endpoint.command)
    except UNREADABLE as error:
        raise Refused(Malformed(str(error))) from None
