"""What the server pushes over the WebSocket, after the fact is committed.

Frames are msgpack arrays that begin with an op. The client's first frame is `Hello`; the server
answers `Ready` and pushes from then on. Whatever was missed is fetched by cursor (`ListEntries`).
"""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol.commands import Entry


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=100):
    """The client's first frame, within `limits.SOCKET_HELLO_SECONDS`."""

    token: Annotated[str, Meta(max_length=128)]

    def __repr__(self) -> str:
        return "Hello(…)"


class Event(msgspec.Struct, frozen=True, array_like=True):
    """Something that happened."""


class Ready(Event, frozen=True, tag=0):
    """The socket is authenticated; everything committed from now on is pushed."""

    user_id: UUID


class EntryAdded(Event, frozen=True, tag=1):
    """The log of a conversation has grown by one entry."""

    conversation_id: UUID
    entry: Entry


class ConversationAdded(Event, frozen=True, tag=2):
    """This person entered a conversation, or somebody opened a direct one with them."""

    conversation_id: UUID


class ConversationRemoved(Event, frozen=True, tag=3):
    """This person is no longer in a conversation: left, kicked, banned, or the group is gone."""

    conversation_id: UUID


class GroupUpdated(Event, frozen=True, tag=4):
    """A group's description, members or settings as SQL keeps them have changed."""

    group_id: UUID


AnyEvent = Ready | EntryAdded | ConversationAdded | ConversationRemoved | GroupUpdated
