"""A conversation's log."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Cursor
from coterie.protocol.header import EntryKind


class ListEntries(Command, frozen=True, kw_only=True):
    """The log after entry `after`, oldest first, as far as this member may read it."""

    conversation_id: UUID
    after: Cursor = 0
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_ENTRIES)] = limits.PAGE_ENTRIES


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One entry of a conversation's log.

    `content` is the exact bytes sent, or None when a deletion or a newer edit destroyed them: then
    `hash` still stands for them in the chain. `message_id` is the message it is or it targets.
    """

    seq: int
    kind: EntryKind
    epoch: int
    sender_id: UUID
    device_id: UUID
    message_id: int | None
    content: bytes | None
    hash: bytes
    created_at: datetime


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """`chain` is the chain value at the last entry of the page (at `after` for an empty one)."""

    entries: list[Entry]
    chain: bytes
    more: bool


class ReadCursor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody has a conversation's log as far as entry `after`."""

    conversation_id: UUID
    after: Cursor = 0


class ListNewEntries(Command, frozen=True, kw_only=True):
    """What follows in several conversations, at most `limit` entries of each: `ListEntries` for
    whoever comes back after a while."""

    cursors: Annotated[list[ReadCursor], Meta(min_length=1, max_length=limits.PAGE_CURSORS)]
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_ENTRIES)] = limits.PAGE_ENTRIES


class NewPage(Entries, frozen=True, kw_only=True):
    conversation_id: UUID


class NewEntries(msgspec.Struct, frozen=True, kw_only=True):
    """In the order asked for: a conversation without a page has no new entry, or is none of this
    person's. `full`: or there was no room for it, for all together are bounded."""

    pages: list[NewPage]
    full: bool
