"""Conversations: groups and direct ones alike."""

from uuid import UUID

import msgspec

from coterie.protocol import limits
from coterie.protocol.commands.accounts import User
from coterie.protocol.commands.shapes import Command, Rows


class ListConversations(Command, frozen=True, kw_only=True):
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """`group_id` is None in a direct conversation, `peer` is None in a group.

    `joined_seq` is the first entry this member may read: their own commit, or the Add. `read_seq`
    is the last that they said they have read, 0 before that.
    """

    conversation_id: UUID
    group_id: UUID | None
    peer: User | None
    epoch: int
    seq: int
    joined_seq: int
    read_seq: int
    removal_pending: bool


class Conversations(msgspec.Struct, frozen=True, kw_only=True):
    conversations: list[Conversation]
    more: bool


class GetConversation(Command, frozen=True, kw_only=True):
    conversation_id: UUID
