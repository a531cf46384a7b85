"""Reactions."""

from uuid import UUID

from coterie.protocol.commands.shapes import Command, EntryBytes


class ReactToMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 4; repeating the present state writes nothing."""

    conversation_id: UUID
    entry: EntryBytes
