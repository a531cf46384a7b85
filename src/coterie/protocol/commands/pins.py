"""Messages that everybody in a conversation finds at once."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from coterie.protocol.commands.shapes import Command, EntryBytes


class PinMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 5; `pin_no` rises each time a message is pinned or unpinned."""

    conversation_id: UUID
    entry: EntryBytes
    pin_no: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    pinned: bool
