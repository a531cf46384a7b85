"""One authenticated WebSocket, as the hub sees it: somewhere to write frames to."""

import asyncio
from typing import Final
from uuid import UUID

from coterie.protocol.limits import SIGNAL_UNSENT_BYTES, UNSENT_BYTES
from coterie.server.metrics import SLOW_READERS
from coterie.server.realtime.frames import CloseCode, close_frame

CLOSE_SECONDS: Final = 5
"""How long a closed socket may take to read what was written to it before."""


class Socket:
    """Whole frames go straight to the transport; nothing waits, so nothing can pile up unseen."""

    __slots__ = ("_closed", "_transport", "changes", "conversations", "device_id", "user_id")

    def __init__(self, transport: asyncio.Transport, user_id: UUID, device_id: UUID) -> None:
        self._transport = transport
        self._closed = False
        self.user_id = user_id
        self.device_id = device_id
        self.conversations: set[UUID] = set()
        self.changes: dict[UUID, bool] | None = {}
        """What was entered (True) and left while the conversations were being loaded."""

    def send(self, frames: bytes) -> None:
        """Write whole frames; a reader too slow to have taken the earlier ones is closed."""
        transport = self._transport
        if self._closed or transport.is_closing():
            return
        if transport.get_write_buffer_size() > UNSENT_BYTES:
            SLOW_READERS.add()
            self.close(CloseCode.TRY_AGAIN_LATER)
        else:
            transport.write(frames)

    def offer(self, frame: bytes) -> None:
        """Write what matters only now, unless the reader is behind."""
        transport = self._transport
        if not self._closed and transport.get_write_buffer_size() <= SIGNAL_UNSENT_BYTES:
            self.send(frame)

    def close(self, code: CloseCode) -> None:
        """Say why and write no more; who does not answer in time is cut off."""
        if self._closed or self._transport.is_closing():
            return
        self._closed = True
        self._transport.write(close_frame(code))
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)
