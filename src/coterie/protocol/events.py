"""The frames of the WebSocket: msgpack arrays that begin with an op.

The client's first frame is `Hello`; the server answers `Ready`, and pushes from then on what has
been committed. Whatever was missed is fetched by cursor (`ListEntries`). The client may `Ask` any
command that needs a session; what does not fit into a frame goes over HTTP.
"""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol.commands import Entry
from coterie.protocol.errors import AnyRefusal


class Hello(msgspec.Struct, frozen=True, array_like=True, tag=100):
    """The client's first frame, within `limits.SOCKET_HELLO_SECONDS`."""

    token: Annotated[str, Meta(max_length=128)]

    def __repr__(self) -> str:
        return "Hello(…)"


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=101):
    """A command, by its name, with its fields as a map. Several may be on their way at once; each
    is answered by `Answered` or `Denied` with the number that the client gave it."""

    number: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    command: Annotated[str, Meta(max_length=64)]
    fields: msgspec.Raw

    def __repr__(self) -> str:
        return f"Ask(number={self.number}, command={self.command!r}, …)"


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


class ReadAdvanced(Event, frozen=True, tag=5):
    """This person has read a conversation up to entry `seq`, on one of their devices."""

    conversation_id: UUID
    seq: int


class Typing(Event, frozen=True, tag=6):
    """Somebody writes something there. Not kept, and not told where many listen."""

    conversation_id: UUID
    user_id: UUID


class PresenceChanged(Event, frozen=True, tag=7):
    """Somebody who shows it is there now, or is not; as `ShowPresence` says."""

    user_id: UUID
    here: bool


class Answered(Event, frozen=True, tag=50):
    """The result of what was asked under this number."""

    number: int
    result: msgspec.Raw

    def __repr__(self) -> str:
        return f"Answered(number={self.number}, …)"


class Denied(Event, frozen=True, tag=51):
    """The refusal of what was asked under this number."""

    number: int
    refusal: AnyRefusal


AnyEvent = (
    Ready
    | EntryAdded
    | ConversationAdded
    | ConversationRemoved
    | GroupUpdated
    | ReadAdvanced
    | Typing
    | PresenceChanged
    | Answered
    | Denied
)
