"""What queries give that is no table's whole row: joins, counts, parts. One struct per shape."""

from datetime import datetime
from uuid import UUID

import msgspec

from coterie.protocol.commands import Act
from coterie.protocol.roles import History, Inviters, Role
from coterie.server.storage.tables import Conversation


class View(msgspec.Struct, frozen=True):
    """The columns of one query, by name."""


class SessionActor(View, frozen=True):
    user_id: UUID
    device_id: UUID
    expires_at: datetime


class Person(View, frozen=True):
    """A user with an account that has not ended."""

    id: UUID
    username: str
    identity_key: bytes
    device_list: bytes


class Standing(Conversation, frozen=True):
    """A conversation, and where one of its participants stands in it.

    In a direct conversation everybody is a plain member from the first entry on.
    """

    role: Role
    joined_seq: int
    inviters: Inviters


class ConversationSummary(View, frozen=True):
    conversation_id: UUID
    group_id: UUID | None
    peer_id: UUID | None
    epoch: int
    seq: int
    joined_seq: int
    read_seq: int
    removal_pending: bool


class GroupSummary(View, frozen=True):
    group_id: UUID
    name: str
    description: str | None
    owner_id: UUID
    members: int
    history: History
    inviters: Inviters
    created_at: datetime


class MemberView(View, frozen=True):
    user_id: UUID
    username: str
    identity_key: bytes
    role: Role
    joined_at: datetime


class BanView(View, frozen=True):
    user_id: UUID
    username: str
    identity_key: bytes
    banned_by: UUID
    reason: str | None
    banned_at: datetime


class AuditView(View, frozen=True):
    id: int
    actor_id: UUID
    actor_username: str | None
    act: Act
    target_id: UUID | None
    target_username: str | None
    message_id: int | None
    detail: str | None
    reason: str | None
    created_at: datetime


class InviteView(View, frozen=True):
    """An invite that has its entry in the signed state. `ended`: expired or used up."""

    invite_id: UUID
    group_id: UUID
    code: str
    invite_key: bytes
    created_by: UUID
    expires_at: datetime | None
    max_uses: int | None
    uses: int
    anchor_epoch: int
    anchor_ciphertext: bytes
    ended: bool
    created_at: datetime


class BlockView(View, frozen=True):
    user_id: UUID
    username: str


class LogEntry(View, frozen=True):
    """A line of a conversation's log, from `messages` or from `entries`."""

    seq: int
    kind: int
    epoch: int
    sender_id: UUID
    device_id: UUID
    message_id: int | None
    content: bytes | None
    hash: bytes
    chain: bytes
    created_at: datetime


class NewLogEntry(LogEntry, frozen=True):
    """One of several conversations."""

    conversation_id: UUID


class Target(View, frozen=True):
    """A message that something is done to. `author_role` is None for somebody without a seat."""

    id: int
    sender_id: UUID
    author_role: Role | None
    edit_no: int
    deleted: bool
    seq: int
    created_at: datetime


class ReactionState(View, frozen=True):
    """The last state of one reaction: a row or, taken back, a tombstone."""

    present: bool
    counter: int
    seq: int
    created_at: datetime


class Entrance(View, frozen=True):
    """What whoever enters from outside needs of the newest epoch."""

    epoch: int
    seq: int
    state: bytes
    group_infos: list[bytes]


class Upload(View, frozen=True):
    """A file whose bytes are here."""

    id: UUID
    storage_path: str
    size_bytes: int


class Uploads(View, frozen=True):
    """How many files have their bytes here, and how many bytes that is."""

    files: int
    size_bytes: int


class AccountSummary(View, frozen=True):
    """What an operator sees of an account."""

    username: str
    user_id: UUID
    created_at: datetime | None
    locked_at: datetime | None
    devices: int
    sessions: int
    file_bytes: int


class TableSize(View, frozen=True):
    name: str
    size_bytes: int


class Vitals(View, frozen=True):
    """`version` as PostgreSQL counts; `newest` is the time of what was written last."""

    version: int
    now: datetime
    newest: datetime | None
