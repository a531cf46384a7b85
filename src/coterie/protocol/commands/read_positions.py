"""How far one has read."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command


class MarkRead(Command, frozen=True, kw_only=True):
    """This person has read up to entry `seq`. It never goes back; their own devices are told."""

    conversation_id: UUID
    seq: Annotated[int, Meta(ge=1, le=limits.LARGEST_NUMBER)]
