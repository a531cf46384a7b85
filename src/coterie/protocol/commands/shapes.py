"""What commands are made of, and the results that several share."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits

Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Username = Annotated[str, Meta(pattern=limits.USERNAME_PATTERN)]
Reason = Annotated[str, Meta(max_length=limits.REASON_LENGTH)]
CommitBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.COMMIT_BYTES)]
GroupInfoBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.COMMIT_BYTES)]
TreeBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.BODY_BYTES)]
EntryBytes = Annotated[bytes, Meta(min_length=90, max_length=limits.ENTRY_BYTES)]
Rows = Annotated[int, Meta(ge=1, le=limits.PAGE_ROWS)]
Cursor = Annotated[int, Meta(ge=0, le=limits.LARGEST_NUMBER)]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request of a client."""


class Commit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An MLS commit on its way to be ordered: the step from `epoch` to `epoch + 1`.

    `group_info` is the GroupInfo of the epoch it makes: with external_pub, without the tree.
    """

    epoch: Cursor
    content: CommitBytes
    group_info: GroupInfoBytes

    def __repr__(self) -> str:
        return f"Commit(epoch={self.epoch}, {len(self.content)} bytes)"


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The public state of one epoch, complete: what a chain of commits can be verified from."""

    group_context: Annotated[bytes, Meta(min_length=1, max_length=2 * limits.STATE_BYTES)]
    ratchet_tree: TreeBytes
    confirmation_tag: Annotated[bytes, Meta(min_length=1, max_length=64)]


class Done(msgspec.Struct, frozen=True):
    """It happened, or had happened already."""


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """The commit was given its place: entry `seq` of the log, beginning of `epoch`.

    `chain_before` is chain(seq - 1): where the log of somebody who enters begins.
    A commit sent again is answered as the first time.
    """

    conversation_id: UUID
    seq: int
    epoch: int
    chain_before: bytes


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An entry was written to the log. `message_id` is the message it is or it targets."""

    message_id: int
    seq: int
    created_at: datetime
