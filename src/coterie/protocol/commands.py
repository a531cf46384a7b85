"""What a client can ask for. One struct is one request; `api.py` gives each its address.

Bytes are base64 in JSON and raw in msgpack; ids are UUIDs; times are RFC 3339. The client draws the
ids of what it makes, so that a repeated request is the same request.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.header import EntryKind
from coterie.protocol.links import CODE_PATTERN
from coterie.protocol.roles import History, Inviters, Role

Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Username = Annotated[str, Meta(pattern=limits.USERNAME_PATTERN)]
Password = Annotated[
    str, Meta(min_length=limits.PASSWORD_LENGTH[0], max_length=limits.PASSWORD_LENGTH[1])
]
GroupName = Annotated[str, Meta(min_length=1, max_length=limits.GROUP_NAME_LENGTH)]
Description = Annotated[str, Meta(max_length=limits.DESCRIPTION_LENGTH)]
Reason = Annotated[str, Meta(max_length=limits.REASON_LENGTH)]
InviteCode = Annotated[str, Meta(pattern=CODE_PATTERN)]
KeyPackageBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.KEY_PACKAGE_BYTES)]
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


# --- results that several commands share


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


# --- the server and accounts


class GetServer(Command, frozen=True, kw_only=True):
    """What a client must know before it has an account."""


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`server_key` is the Ed25519 key that signs the server's statements."""

    version: str
    registration: str
    server_key: bytes


class SignUp(Command, frozen=True, kw_only=True):
    """Make an account with its first device.

    `sealed_identity` is the identity's private key, sealed under the recovery code: nonce 24 ‖
    XChaCha20-Poly1305. `registration_code` is asked for where registration is by invitation.
    """

    username: Username
    password: Password
    user_id: UUID
    device_id: UUID
    certificate: Annotated[bytes, Meta(min_length=137, max_length=137)]
    device_key: Key
    sealed_identity: Annotated[bytes, Meta(min_length=72, max_length=72)]
    device_list: Annotated[bytes, Meta(min_length=1, max_length=limits.DEVICE_LIST_BYTES)]
    registration_code: str | None = None

    def __repr__(self) -> str:
        return f"SignUp(username={self.username!r}, …)"


class LogIn(Command, frozen=True, kw_only=True):
    """A new session for a device the account has already."""

    username: Username
    password: Password
    device_id: UUID

    def __repr__(self) -> str:
        return f"LogIn(username={self.username!r}, …)"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`token` goes into `Authorization: Bearer …`."""

    token: str
    user_id: UUID
    device_id: UUID
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Session(user_id={self.user_id}, device_id={self.device_id}, …)"


class LogOut(Command, frozen=True, kw_only=True):
    """End the session of this request."""


class GetAccount(Command, frozen=True, kw_only=True):
    """One's own account."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    device_id: UUID
    sealed_identity: bytes
    device_list: bytes
    key_packages: int
    used_bytes: int
    quota_bytes: int


class GetUser(Command, frozen=True, kw_only=True):
    """Somebody, by exact name."""

    username: Username


class User(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    identity_key: bytes
    device_list: bytes


class PublishKeyPackages(Command, frozen=True, kw_only=True):
    """Add one-time packages to this device's pool; `last_resort` replaces the one kept."""

    key_packages: Annotated[list[KeyPackageBytes], Meta(max_length=limits.KEY_PACKAGES_PER_DEVICE)]
    last_resort: KeyPackageBytes | None = None


class KeyPackageCount(msgspec.Struct, frozen=True, kw_only=True):
    key_packages: int


class ClaimKeyPackages(Command, frozen=True, kw_only=True):
    """One package of each active device of somebody; a one-time package is given out once."""

    user_id: UUID


class ClaimedKeyPackages(msgspec.Struct, frozen=True, kw_only=True):
    key_packages: list[bytes]
    device_list: bytes


class BlockUser(Command, frozen=True, kw_only=True):
    user_id: UUID


class UnblockUser(Command, frozen=True, kw_only=True):
    user_id: UUID


class ListBlocks(Command, frozen=True, kw_only=True):
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class BlockedUser(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str


class Blocks(msgspec.Struct, frozen=True, kw_only=True):
    blocks: list[BlockedUser]
    more: bool


# --- conversations: groups and direct ones alike


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


class MarkRead(Command, frozen=True, kw_only=True):
    """This person has read up to entry `seq`. It never goes back; their own devices are told."""

    conversation_id: UUID
    seq: Annotated[int, Meta(ge=1, le=limits.LARGEST_NUMBER)]


class ListEntries(Command, frozen=True, kw_only=True):
    """The log after entry `after`, oldest first, as far as this member may read it."""

    conversation_id: UUID
    after: Cursor = 0
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_ENTRIES)] = limits.PAGE_ENTRIES


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One entry of a conversation's log.

    `content` is the exact bytes sent, or None when a deletion or a newer edit destroyed them: then
    `hash` still stands for them in the chain. `message_id` is the message it is or it targets.
    """

    seq: int
    kind: EntryKind
    epoch: int
    sender_id: UUID
    device_id: UUID
    message_id: int | None
    content: bytes | None
    hash: bytes
    created_at: datetime


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """`chain` is the chain value at the last entry of the page (at `after` for an empty one)."""

    entries: list[Entry]
    chain: bytes
    more: bool


class GetAnchor(Command, frozen=True, kw_only=True):
    conversation_id: UUID
    epoch: Cursor = 0


class ListCommits(Command, frozen=True, kw_only=True):
    """The commits from `epoch` on, in order, for whoever verifies the chain."""

    conversation_id: UUID
    epoch: Cursor = 0


class Commits(msgspec.Struct, frozen=True, kw_only=True):
    """As many commits as fit a page: ask again from `epoch + len(commits)` while `more`."""

    commits: list[bytes]
    more: bool


class GetGroupInfo(Command, frozen=True, kw_only=True):
    """What an external commit needs, for a member: to resynchronise or to add a device."""

    conversation_id: UUID


class GroupInfos(msgspec.Struct, frozen=True, kw_only=True):
    """The GroupInfo candidates of the newest epoch (by several signers), and its tree.

    The one by the last committer comes last: prefer another signer's.
    """

    epoch: int
    seq: int
    group_infos: list[bytes]
    ratchet_tree: bytes


class PublishGroupInfo(Command, frozen=True, kw_only=True):
    """A corrected GroupInfo of the newest epoch, by a member who found external_pub false."""

    conversation_id: UUID
    epoch: Cursor
    group_info: GroupInfoBytes


class AdvanceEpoch(Command, frozen=True, kw_only=True):
    """Order a commit that needs no right: an update of one's own leaf, a resync, the removal of
    somebody who left, a further device of one's own, the dropping of one's own role or invites."""

    conversation_id: UUID
    commit: Commit


class OpenDirect(Command, frozen=True, kw_only=True):
    """Begin a direct conversation: epoch 0 of the maker, the Add of the other, the Welcome."""

    conversation_id: UUID
    peer_id: UUID
    anchor: Anchor
    commit: Commit
    welcome: Annotated[bytes, Meta(min_length=1, max_length=limits.COMMIT_BYTES)]


class GetDirect(Command, frozen=True, kw_only=True):
    """One's direct conversation with somebody."""

    peer_id: UUID


class ListWelcomes(Command, frozen=True, kw_only=True):
    """The Welcomes that wait for this device."""


class PendingWelcome(msgspec.Struct, frozen=True, kw_only=True):
    conversation_id: UUID
    epoch: int
    seq: int
    chain_before: bytes
    welcome: bytes
    ratchet_tree: bytes


class Welcomes(msgspec.Struct, frozen=True, kw_only=True):
    welcomes: list[PendingWelcome]


class RemoveWelcome(Command, frozen=True, kw_only=True):
    """This device has joined, or never will: forget its Welcome."""

    conversation_id: UUID


# --- groups


class CreateGroup(Command, frozen=True, kw_only=True):
    """`anchor` is epoch 0: one leaf, the owner's, and the signed group state."""

    group_id: UUID
    name: GroupName
    description: Description | None = None
    anchor: Anchor
    group_info: GroupInfoBytes


class GetGroup(Command, frozen=True, kw_only=True):
    group_id: UUID


class Group(msgspec.Struct, frozen=True, kw_only=True):
    group_id: UUID
    name: str
    description: str | None
    owner_id: UUID
    role: Role
    members: int
    epoch: int
    history: History
    inviters: Inviters
    created_at: datetime


class UpdateGroup(Command, frozen=True, kw_only=True):
    """Change what is given. Name, history and inviters stand in the signed state: they need the
    commit that changes it."""

    group_id: UUID
    name: GroupName | None = None
    description: Description | None = None
    history: History | None = None
    inviters: Inviters | None = None
    commit: Commit | None = None


class DeleteGroup(Command, frozen=True, kw_only=True):
    """`name` is the group's name, typed by who deletes it."""

    group_id: UUID
    name: str


class ListMembers(Command, frozen=True, kw_only=True):
    group_id: UUID
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class Member(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    identity_key: bytes
    role: Role
    joined_at: datetime


class Members(msgspec.Struct, frozen=True, kw_only=True):
    members: list[Member]
    more: bool


class SetRole(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    role: Role
    commit: Commit


class TransferOwnership(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    commit: Commit


class KickMember(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    reason: Reason | None = None
    commit: Commit


class LeaveGroup(Command, frozen=True, kw_only=True):
    """Leave: the signed statement that lets anybody commit the removal of one's seats.

    Somebody above member drops his own role and invites first: `commit`. An owner who is the last
    member deletes the group by leaving it.
    """

    group_id: UUID
    statement: Annotated[bytes, Meta(min_length=1, max_length=limits.ENTRY_BYTES)]
    commit: Commit | None = None


class BanMember(Command, frozen=True, kw_only=True):
    """The commit takes the keys and shuts the door; also for somebody who is no member."""

    group_id: UUID
    user_id: UUID
    reason: Reason | None = None
    commit: Commit


class UnbanMember(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    commit: Commit


class ListBans(Command, frozen=True, kw_only=True):
    group_id: UUID
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    identity_key: bytes
    banned_by: UUID
    reason: str | None
    banned_at: datetime


class Bans(msgspec.Struct, frozen=True, kw_only=True):
    bans: list[Ban]
    more: bool


# --- invites


class CreateInvite(Command, frozen=True, kw_only=True):
    """`sealed_anchor` is sealed under the link's secret; `commit` enters `invite_key` into the
    signed state (and may drop the entries of links that have ended)."""

    group_id: UUID
    code: InviteCode
    invite_key: Key
    sealed_anchor: Annotated[bytes, Meta(min_length=1, max_length=limits.KIB)]
    expires_at: datetime | None = None
    max_uses: Annotated[int, Meta(ge=1, le=limits.INVITE_USES)] | None = None
    commit: Commit


class ListInvites(Command, frozen=True, kw_only=True):
    group_id: UUID
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """`ended`: expired or used up, its entry still in the signed state."""

    invite_id: UUID
    code: str
    invite_key: bytes
    created_by: UUID
    expires_at: datetime | None
    max_uses: int | None
    uses: int
    ended: bool
    created_at: datetime


class Invites(msgspec.Struct, frozen=True, kw_only=True):
    invites: list[Invite]
    more: bool


class RevokeInvite(Command, frozen=True, kw_only=True):
    group_id: UUID
    code: InviteCode
    commit: Commit


class GetInvite(Command, frozen=True, kw_only=True):
    """What the holder of a live code needs to verify the group and to enter it."""

    code: InviteCode


class InviteDetails(msgspec.Struct, frozen=True, kw_only=True):
    """`anchor` is the epoch the link's own commit made, `anchor_epoch`."""

    group_id: UUID
    name: str
    sealed_anchor: bytes
    anchor: Anchor
    anchor_epoch: int
    group_infos: GroupInfos


class ListInviteCommits(Command, frozen=True, kw_only=True):
    """As ListCommits, for the holder of a live code; not before the link's anchor."""

    code: InviteCode
    epoch: Cursor


class JoinGroup(Command, frozen=True, kw_only=True):
    """Enter by external commit, with the proof of holding the link's secret inside."""

    code: InviteCode
    commit: Commit


# --- messages


class SendMessage(Command, frozen=True, kw_only=True):
    """`entry` is `header ‖ nonce ‖ ciphertext`, kind 1; a reply names its target in the header.
    `file_ids` are attached in the same transaction."""

    conversation_id: UUID
    entry: EntryBytes
    file_ids: Annotated[list[UUID], Meta(max_length=limits.FILES_PER_MESSAGE)] = []


class EditMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 2; `edit_no` rises with each edit of a message."""

    conversation_id: UUID
    entry: EntryBytes
    edit_no: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class DeleteMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 3. Leaves a tombstone; destroys the ciphertexts and the files."""

    conversation_id: UUID
    entry: EntryBytes


class ReactToMessage(Command, frozen=True, kw_only=True):
    """`entry` is of kind 4; repeating the present state writes nothing."""

    conversation_id: UUID
    entry: EntryBytes


# --- files


class ReserveFile(Command, frozen=True, kw_only=True):
    """Announce an upload: `PUT /files/{file_id}/content` takes exactly `size_bytes` after it.

    `filename` is encrypted, base64url; `encryption_header` is the secretstream header.
    """

    conversation_id: UUID
    file_id: UUID
    filename: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+(?!\n)$")]
    size_bytes: Annotated[int, Meta(ge=1)]
    encryption_header: Annotated[bytes, Meta(min_length=24, max_length=24)]


class FileReserved(msgspec.Struct, frozen=True, kw_only=True):
    """`uploaded`: the bytes are there already (a repeated request)."""

    file_id: UUID
    uploaded: bool


class DiscardFile(Command, frozen=True, kw_only=True):
    """Give up an upload that was not attached."""

    file_id: UUID
