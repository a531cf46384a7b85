"""What a commit does, in words: the list that `accept` returns and SQL is written from."""

from typing import Literal
from uuid import UUID

import msgspec

from coterie.protocol.roles import History, Inviters, Rank

RemovalWarrant = Literal["rank", "leave", "revoke", "server"]


class Change(msgspec.Struct, frozen=True):
    """One thing that is different in epoch n+1."""


class PersonJoined(Change, frozen=True):
    """Somebody without a leaf has one. `invite_key`: of the link they came by, if they did."""

    identity_key: bytes
    user_id: UUID
    device_id: UUID
    device_key: bytes
    leaf: int
    invite_key: bytes | None = None


class DeviceAdded(Change, frozen=True):
    """A further device of somebody who is in the group, or of somebody joining with several."""

    identity_key: bytes
    user_id: UUID
    device_id: UUID
    device_key: bytes
    leaf: int


class DeviceRemoved(Change, frozen=True):
    """`leaf` is the index it had. `last`: the person has no leaf any more; so it stands with each
    of the leaves of somebody who goes with several."""

    identity_key: bytes
    user_id: UUID
    device_id: UUID
    leaf: int
    warrant: RemovalWarrant
    last: bool


class DeviceResynced(Change, frozen=True):
    """A device entered again, at a new seat; `leaf` is its new index."""

    identity_key: bytes
    user_id: UUID
    device_id: UUID
    leaf: int


class LeafUpdated(Change, frozen=True):
    """The committer's leaf has new keys. `certified`: and a certificate of the identity now."""

    identity_key: bytes
    user_id: UUID
    device_id: UUID
    leaf: int
    certified: bool = False


class RoleChanged(Change, frozen=True):
    """`entailed`: follows from a removal, and needed no right of the committer's."""

    identity_key: bytes
    before: Rank
    after: Rank
    entailed: bool


class InviteOpened(Change, frozen=True):
    """`expires_at` in ms since 1970; 0: never."""

    key: bytes
    creator: bytes
    expires_at: int


class InviteClosed(Change, frozen=True):
    """`entailed`: its creator is gone or may not invite any more. `ended`: the server said so."""

    key: bytes
    entailed: bool
    ended: bool = False


class PersonBanned(Change, frozen=True):
    """`rank`: of who banned."""

    identity_key: bytes
    rank: Rank


class PersonUnbanned(Change, frozen=True):
    identity_key: bytes


class GroupRenamed(Change, frozen=True):
    name: str


class PolicyChanged(Change, frozen=True):
    """Both settings as they are now."""

    history: History
    inviters: Inviters
