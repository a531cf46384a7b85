"""What a transaction wants told after COMMIT: `Tx.announce` collects, dispatch delivers."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from coterie.protocol.commands import Entry


class EntryAnnounced(msgspec.Struct, frozen=True):
    """The log has grown. Goes to every participant of the conversation."""

    conversation_id: UUID
    entry: Entry


class Entered(msgspec.Struct, frozen=True):
    """These people take part from now on."""

    conversation_id: UUID
    user_ids: tuple[UUID, ...]


class Left(msgspec.Struct, frozen=True):
    """These people take part no longer."""

    conversation_id: UUID
    user_ids: tuple[UUID, ...]


class GroupTouched(msgspec.Struct, frozen=True):
    """What SQL keeps of a group has changed."""

    group_id: UUID


class ReadFurther(msgspec.Struct, frozen=True):
    """Somebody has read on. Goes to their own devices."""

    user_id: UUID
    conversation_id: UUID
    seq: int


class Typed(msgspec.Struct, frozen=True):
    """Somebody writes something. Goes to the others of the conversation, if they are few."""

    conversation_id: UUID
    user_id: UUID


class PresenceShown(msgspec.Struct, frozen=True):
    """Somebody is there, or no longer wants it known. `hidden_from`: who blocks whom, either way,
    so that neither learns of the other."""

    user_id: UUID
    here: bool
    hidden_from: frozenset[UUID] = frozenset()


class Parted(msgspec.Struct, frozen=True):
    """One has blocked the other."""

    user_id: UUID
    other_id: UUID


class SessionsEnded(msgspec.Struct, frozen=True):
    """Sessions of this device have ended: its sockets close."""

    device_id: UUID


class BlobsDropped(msgspec.Struct, frozen=True):
    """No row names these files any more: their bytes go."""

    storage_paths: tuple[str, ...]


Announcement = (
    EntryAnnounced
    | Entered
    | Left
    | GroupTouched
    | ReadFurther
    | Typed
    | PresenceShown
    | Parted
    | SessionsEnded
    | BlobsDropped
)
Announce = Callable[[Sequence[Announcement]], None]
"""Synchronous, called after COMMIT, in the order the transactions end."""
