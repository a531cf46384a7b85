"""Messages: sent, edited, deleted."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, EntryBytes, Reason


class SendMessage(Command, frozen=True, kw_only=True):
    """`entry` is `header ‖ nonce ‖ ciphertext`, kind 1; a reply names its target in the header.
    `file_ids` are attached in the same transaction."""

    conversation_id: UUID
    entry: EntryBytes
    file_ids: Annotated[list[UUID], Meta(max_length=limits.FILES_PER_MESSAGE)] = msgspec.field(
        default_factory=list
    )


class EditMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 2; `edit_no` rises with each edit of a message."""

    conversation_id: UUID
    entry: EntryBytes
    edit_no: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class DeleteMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 3. Leaves a tombstone; destroys the ciphertexts and the files.

    `reason` is kept, for moderators, where somebody deletes another's message in a group.
    """

    conversation_id: UUID
    entry: EntryBytes
    reason: Reason | None = None
