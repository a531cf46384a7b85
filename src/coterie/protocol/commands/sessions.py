"""Sessions."""

from datetime import datetime
from uuid import UUID

import msgspec

from coterie.protocol.commands.shapes import Command


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`token` goes into `Authorization: Bearer …`."""

    token: str
    user_id: UUID
    device_id: UUID
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Session(user_id={self.user_id}, device_id={self.device_id}, …)"


class LogOut(Command, frozen=True, kw_only=True):
    """End the session of this request."""
