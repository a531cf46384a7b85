"""The signed group state: GroupContext extension 0xF0C0, the same bytes for every member.

`1 ‖ genesis 32 ‖ server_key 32 ‖ direct u8 (‖ identity_key 32 ‖ identity_key 32) ‖ table u8 ‖
count u16 ‖ roles [key 32 ‖ rank u8 ‖ since u64]… ‖
count u8 ‖ invites [key 32 ‖ creator 32 ‖ expires u64]… ‖
count u16 ‖ banned [key 32 ‖ rank u8]… ‖ length u16 ‖ name ‖ history u8 ‖ inviters u8`; each list
is sorted by key. A plain member has no entry in roles; a direct conversation has no entries at
all.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import cached_property
from typing import Final, Protocol, TypeVar

import msgspec

from coterie.governance.encoding import EncodingError, Reader, check_rising, uint
from coterie.protocol.roles import ROLE_TABLE, History, Inviters, Rank

STATE_VERSION: Final = 1
NO_ROLE_SINCE: Final = 2**64 - 1
"""What a plain member's `since` counts as."""


class RoleEntry(msgspec.Struct, frozen=True):
    """`since`: the epoch in which the role was given."""

    key: bytes
    rank: Rank
    since: int

    def encode(self) -> bytes:
        return self.key + uint(self.rank, 1) + uint(self.since, 8)


class InviteEntry(msgspec.Struct, frozen=True):
    """An open link: its signing key, its creator's identity key, its end in ms (0: none)."""

    key: bytes
    creator: bytes
    expires_at: int

    def encode(self) -> bytes:
        return self.key + self.creator + uint(self.expires_at, 8)


class BanEntry(msgspec.Struct, frozen=True):
    """A banned identity key, and the rank of who banned it."""

    key: bytes
    rank: Rank

    def encode(self) -> bytes:
        return self.key + uint(self.rank, 1)


class GroupState(msgspec.Struct, frozen=True, dict=True):
    """`direct`: the two identity keys of a direct conversation, sorted, the same one twice in a
    person's conversation with themselves; None in a group."""

    genesis: bytes
    server_key: bytes
    direct: tuple[bytes, bytes] | None = None
    table: int = ROLE_TABLE
    roles: tuple[RoleEntry, ...] = ()
    invites: tuple[InviteEntry, ...] = ()
    banned: tuple[BanEntry, ...] = ()
    name: str = ""
    history: History = History.SINCE_JOIN
    inviters: Inviters = Inviters.MODERATORS

    @cached_property
    def _roles_by_key(self) -> dict[bytes, RoleEntry]:
        return {entry.key: entry for entry in self.roles}

    def rank_of(self, identity_key: bytes) -> Rank:
        """The rank of a member; whoever has no entry is a plain member."""
        entry = self._roles_by_key.get(identity_key)
        return Rank.MEMBER if entry is None else entry.rank

    def since_of(self, identity_key: bytes) -> int:
        entry = self._roles_by_key.get(identity_key)
        return NO_ROLE_SINCE if entry is None else entry.since

    @property
    def owner(self) -> bytes | None:
        """The owner's identity key; None in a direct conversation."""
        return next((entry.key for entry in self.roles if entry.rank is Rank.OWNER), None)

    def peer_of(self, identity_key: bytes) -> bytes | None:
        """The other one of a direct conversation, or oneself; None in a group, and to a third."""
        match self.direct:
            case (one, other) if identity_key in (one, other):
                return other if identity_key == one else one
            case _:
                return None

    def invite(self, key: bytes) -> InviteEntry | None:
        return next((entry for entry in self.invites if entry.key == key), None)

    def ban(self, identity_key: bytes) -> BanEntry | None:
        return next((entry for entry in self.banned if entry.key == identity_key), None)

    def encode(self) -> bytes:
        name = self.name.encode()
        return b"".join(
            (
                uint(STATE_VERSION, 1),
                self.genesis,
                self.server_key,
                _encode_direct(self.direct),
                uint(self.table, 1),
                _encode_entries(self.roles, 2),
                _encode_entries(self.invites, 1),
                _encode_entries(self.banned, 2),
                uint(len(name), 2) + name,
                uint(self.history, 1),
                uint(self.inviters, 1),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "GroupState":
        """Raises EncodingError unless `data` is exactly what `encode` gives."""
        reader = Reader(data)
        reader.version(STATE_VERSION)
        state = cls(
            genesis=reader.take(32),
            server_key=reader.take(32),
            direct=_read_direct(reader),
            table=reader.uint(1),
            roles=_read_entries(reader, 2, _read_role, "roles"),
            invites=_read_entries(reader, 1, _read_invite, "invites"),
            banned=_read_entries(reader, 2, _read_ban, "bans"),
            name=_read_name(reader),
            history=_read_enum(reader, History),
            inviters=_read_enum(reader, Inviters),
        )
        reader.finish()
        return state


class _Entry(Protocol):
    @property
    def key(self) -> bytes: ...

    def encode(self) -> bytes: ...


Entry = TypeVar("Entry", bound=_Entry)
Choice = TypeVar("Choice", bound=IntEnum)


def _encode_entries(entries: Sequence[_Entry], width: int) -> bytes:
    ordered = sorted(entries, key=lambda entry: entry.key)
    return uint(len(ordered), width) + b"".join(entry.encode() for entry in ordered)


def _read_entries(
    reader: Reader, width: int, read: Callable[[Reader], Entry], what: str
) -> tuple[Entry, ...]:
    entries = tuple(read(reader) for _ in range(reader.uint(width)))
    check_rising((entry.key for entry in entries), what)
    return entries


def _encode_direct(direct: tuple[bytes, bytes] | None) -> bytes:
    return uint(0, 1) if direct is None else uint(1, 1) + b"".join(sorted(direct))


def _read_direct(reader: Reader) -> tuple[bytes, bytes] | None:
    flag = reader.uint(1)
    if flag > 1:
        raise EncodingError(f"{flag} is no flag")
    if flag == 0:
        return None
    one, other = reader.take(32), reader.take(32)
    if one > other:  # equal: with oneself
        raise EncodingError("the two identities are not sorted")
    return one, other


def _read_role(reader: Reader) -> RoleEntry:
    entry = RoleEntry(reader.take(32), _read_enum(reader, Rank), reader.uint(8))
    if entry.rank is Rank.MEMBER:
        raise EncodingError("a plain member has no entry")
    return entry


def _read_invite(reader: Reader) -> InviteEntry:
    return InviteEntry(reader.take(32), reader.take(32), reader.uint(8))


def _read_ban(reader: Reader) -> BanEntry:
    return BanEntry(reader.take(32), _read_enum(reader, Rank))


def _read_name(reader: Reader) -> str:
    try:
        return reader.take(reader.uint(2)).decode()
    except UnicodeDecodeError:
        raise EncodingError("the name is not UTF-8") from None


def _read_enum(reader: Reader, kind: type[Choice]) -> Choice:
    value = reader.uint(1)
    try:
        return kind(value)
    except ValueError:
        raise EncodingError(f"{kind.__name__} {value} is unknown") from None
