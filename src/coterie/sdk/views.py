"""What a `Client` gives back."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from coterie.protocol.commands import Act
from coterie.protocol.links import InviteLink
from coterie.protocol.roles import History, Inviters, Role
from coterie.sdk.content import Portrayed


class GroupSummary(msgspec.Struct, frozen=True, kw_only=True):
    group_id: UUID
    name: str


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody says that a conversation's chain has the value `claimed` at entry `seq`; on this
    device it has the value `seen` there, or no such entry was there yet when they said so."""

    seq: int
    told_by: str
    claimed: bytes
    seen: bytes | None
    accepted: bool


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """`name`, `role`, `members`, `history` and `inviters` are verified by this device; the
    description, the date and `slow_mode` are what the server says. `forks` stop sending until
    accepted. `removed_by_server`: whom, or a device of whom, no member removed."""

    group_id: UUID
    name: str
    description: str | None
    owner: str
    role: Role
    members: int
    history: History
    inviters: Inviters
    slow_mode: timedelta
    created_at: datetime
    forks: tuple[Fork, ...] = ()
    removed_by_server: tuple[str, ...] = ()


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`provisional`: a device of theirs is vouched for by another device only, which may be a
    thief's. `other_identity`: not the person pinned under that name, which is shown with a mark."""

    user_id: UUID
    username: str
    role: Role
    provisional: bool = False
    other_identity: bool = False


class CreatedInvite(msgspec.Struct, frozen=True, kw_only=True):
    """The link is shown once: its secret is kept nowhere."""

    code: str
    link: InviteLink
    expires_at: datetime | None
    max_uses: int | None


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """`ended`: expired or used up."""

    code: str
    created_by: str
    expires_at: datetime | None
    max_uses: int | None
    uses: int
    ended: bool
    created_at: datetime


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    banned_by: str
    reason: str | None
    banned_at: datetime


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did to another, or to the group. All of it is what the server says.

    `target` is to whom it was done, or whose link or message; `detail` the role given, the code of
    the link, or the settings changed.
    """

    audit_id: int
    actor: str
    act: Act
    target: str | None
    message_id: int | None
    detail: str | None
    reason: str | None
    created_at: datetime


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    message_id: int
    seq: int


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    file_id: UUID
    name: str
    size_bytes: int
    mime_type: str


class Avatar(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a member as `username`, marked as `Message.sender`, or of the group: None."""

    username: str | None
    file: FileView
    message_id: int
    set_by: str
    set_at: datetime


class ReactionView(msgspec.Struct, frozen=True, kw_only=True):
    emoji: str
    users: tuple[str, ...]


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a message names; `username` as this device knows them, marked as `sender`."""

    user_id: UUID
    username: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it stands. `problem` says why one is shown as a stub, without its text, or
    (`edit_withheld`) with a text that is not its newest; `provisional`, that it was written on such
    a device as `Member` says; `other_identity`, that it is not by the person pinned under that
    name: then `sender` bears a mark, as do the users of reactions; `lost_by_server`, that only
    devices that had it still have it: nobody can answer it. `everyone`: it is for all by
    the word of somebody who may say so; `mentions_you`: somebody else names this person, or all.
    `portrays`: whom its file is a picture of."""

    message_id: int
    seq: int
    sender: str
    text: str | None
    reply_to_id: int | None
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    files: tuple[FileView, ...] = ()
    reactions: tuple[ReactionView, ...] = ()
    problem: str | None = None
    provisional: bool = False
    other_identity: bool = False
    pinned: bool = False
    lost_by_server: bool = False
    mentions: tuple[Mention, ...] = ()
    everyone: bool = False
    mentions_you: bool = False
    portrays: Portrayed | None = None


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """Whether others see that one types, or is there. What one does not show one does not see."""

    typing: bool
    presence: bool


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What a server, restored from a backup, no longer has of a conversation, and this device has.

    Up to entry `kept` both have the same. `entries` and, of them, `messages` are lost, the first of
    the messages written at `since`. `undone` says in words what the lost commits had brought about.
    `member`: the server still counts this person in; otherwise it shows nothing, and all is lost.
    """

    conversation_id: UUID
    conversation: str
    member: bool
    kept: int
    entries: int
    messages: int
    since: datetime | None
    undone: tuple[str, ...]


class PinnedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`pinned_by`: who pinned it last, as their device signed."""

    message: Message
    pinned_by: str
    pinned_at: datetime


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a search found. `conversation` is a group's name, or @username."""

    conversation_id: UUID
    conversation: str
    message: Message


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """`conversation` is a group's name, or @username. `mentions`: how many of the unread name this
    person. `muted`: only those count in the sum. Beyond `limits.UNREAD_COUNTED` messages nobody
    counts."""

    conversation_id: UUID
    conversation: str
    unread: int
    mentions: int
    muted: bool = False


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What was begun and not sent. `conversation` as in `Unread`."""

    conversation_id: UUID
    conversation: str
    text: str

    def __repr__(self) -> str:
        return f"Draft(conversation_id={self.conversation_id}, …)"


class UnreadTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Over all conversations; of muted ones only what mentions this person counts."""

    unread: int
    mentions: int


class Muted(msgspec.Struct, frozen=True, kw_only=True):
    """`conversation` as in `Unread`. `until` is None for one that stays so until it is unmuted."""

    conversation_id: UUID
    conversation: str
    until: datetime | None


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who wrote to this person without knowing them. `other_identity` as in `Member`."""

    user_id: UUID
    username: str
    messages: int
    other_identity: bool = False


class SafetyNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Twelve groups of five digits, the same on both sides. `verified`: they were compared."""

    username: str
    number: str
    verified: bool = False


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """`title` is a group's name, which others may bear too, or @username. `unread` as in `Unread`.
    `read_seq` is the last entry the person has read; `newest_at`, when the newest message was
    written, or this device entered where there is none. `current`: the person is in it."""

    conversation_id: UUID
    title: str
    direct: bool
    unread: int
    read_seq: int
    newest_at: datetime
    current: bool


class Unconfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A message of one's own that may have arrived; it is sent again, to be there once."""

    text: str
    file_names: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`other_identity` as in `Member`."""

    user_id: UUID
    username: str
    other_identity: bool = False
