"""Events as they happen, over one WebSocket for all who watch; it reconnects by itself.

An event says only that something is new. What it is, is fetched by cursor: so nothing is missed
however often the socket falls, and nothing depends on its order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import aiohttp
import msgspec

from coterie.protocol.codec import EVENT_DECODER, MSGPACK_ENCODER, UNREADABLE
from coterie.protocol.commands import ShowPresence
from coterie.protocol.events import Ask, ConversationAdded, EntryAdded, Event, Hello, Ready
from coterie.sdk.connection import Connection, pauses
from coterie.sdk.signals import Signals

READY_SECONDS: Final = 10
AGAIN_SECONDS: Final = 1.0
"""About so long after the socket was lost it is opened again: nobody asks for anything by it, and
after a restart of the server everybody comes at once."""
_HERE: Final = MSGPACK_ENCODER.encode(
    Ask(0, ShowPresence.__name__, msgspec.Raw(MSGPACK_ENCODER.encode(ShowPresence(here=True))))
)
_LOST: Final = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Live:
    """Wakes watchers when their conversation may have changed.

    `connected`: whether the socket stands; who watches for anything at all is woken when that
    changes. `signals`: what passes, and wakes nobody who watches for what stays.
    """

    def __init__(
        self, connection: Connection, shows_presence: Callable[[], Awaitable[bool]]
    ) -> None:
        self.connected = False
        self.signals = Signals()
        self._connection = connection
        self._shows_presence = shows_presence
        self._watchers: set[tuple[UUID | None, asyncio.Event]] = set()
        self._reader: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, conversation_id: UUID | None) -> Generator[asyncio.Event]:
        """An event that is set whenever it is time to look: at each change, and after each gap.

        None watches for anything at all.
        """
        changed = asyncio.Event()
        watcher = (conversation_id, changed)
        self._watchers.add(watcher)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="live")
        try:
            yield changed
        finally:
            self._watchers.discard(watcher)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        waiting = pauses(first=AGAIN_SECONDS)
        while True:
            try:
                if await self._read_socket():
                    waiting = pauses(first=AGAIN_SECONDS)
            except _LOST:
                pass
            self._note_lost()
            await asyncio.sleep(next(waiting))

    async def _read_socket(self) -> bool:
        """Read until the socket closes; whether it was ever ready."""
        ready = False
        async with await self._connection.events() as socket:
            await socket.send_bytes(MSGPACK_ENCODER.encode(Hello(self._connection.token or "")))
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.BINARY:
                    break
                event = _decode(frame.data)
                self.connected = ready = ready or isinstance(event, Ready)
                if isinstance(event, Ready | ConversationAdded) and await self._shows_presence():
                    await socket.send_bytes(_HERE)
                if not self.signals.take(event):
                    self._wake(event)
            if socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION:
                self._wake(None)  # who looks now is told what is wrong, such as a session's end
        return ready

    def _note_lost(self) -> None:
        self.signals.clear()
        if self.connected:
            self.connected = False
            for conversation_id, changed in self._watchers:
                if conversation_id is None:
                    changed.set()

    def _wake(self, event: Event | None) -> None:
        about = event.conversation_id if isinstance(event, EntryAdded) else None
        for conversation_id, changed in self._watchers:
            if about is None or conversation_id in (None, about):
                changed.set()


def _decode(frame: bytes) -> Event | None:
    """None for an event of a later version, or for none at all, which wakes everybody."""
    try:
        return EVENT_DECODER.decode(frame)
    except UNREADABLE:
        return None
