"""What the device store holds. Records with secrets show nothing in their `repr`."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from coterie.protocol.header import NO_TARGET, EntryKind, ReactionOp
from coterie.protocol.roles import Rank
from coterie.sdk.content import Portrayed
from coterie.sdk.files import FileInfo


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who this profile is. `confirmed`: the server has taken the account. The recovery code is kept
    until it has been shown. Without a `token` its session has ended."""

    server: str
    server_key: bytes
    username: str
    user_id: UUID
    device_id: UUID
    identity_key: bytes
    device_key: bytes
    device_seed: bytes
    certificate: bytes
    device_list: bytes
    token: str | None = None
    confirmed: bool = False
    recovery_code: bytes | None = None

    def __repr__(self) -> str:
        return f"AccountRecord(username={self.username!r}, …)"


class Principal(msgspec.Struct, frozen=True):
    """Who somebody is: `(user_id, identity_key)`."""

    user_id: UUID
    identity_key: bytes


class PinRecord(msgspec.Struct, frozen=True):
    """The principal first seen under a name; `rival` is another one seen since, not accepted.
    `verified`: the person has compared the principal's safety number."""

    username: str
    principal: Principal
    rival: Principal | None = None
    verified: bool = False


class DeviceListRecord(msgspec.Struct, frozen=True):
    encoded: bytes


class KeyPackageRecord(msgspec.Struct, frozen=True):
    secrets: bytes

    def __repr__(self) -> str:
        return "KeyPackageRecord(…)"


class Standing(StrEnum):
    MEMBER = "member"
    REMOVED = "removed"
    HALTED = "halted"


class Finding(msgspec.Struct, frozen=True):
    """Why a conversation stopped: a rule that a commit broke, or a fork at an entry."""

    rule: str
    detail: str


class HeadRecord(msgspec.Struct, frozen=True):
    """What somebody says the chain value at entry `seq` is."""

    seq: int
    chain: bytes
    told_by: Principal


class WithheldRecord(msgspec.Struct, frozen=True):
    """An edit of this message, or a reaction to it, whose bytes the server has not given."""

    seq: int
    kind: EntryKind
    message_id: int


NO_EPOCH: Final = -1
"""Before the first."""


class PolicyRecord(msgspec.Struct, frozen=True):
    """Who last changed who may invite, or what joiners may read, and with which entry."""

    seq: int
    changed_by: Principal


class MuteRecord(msgspec.Struct, frozen=True):
    """Until when a conversation is muted; None: until it is unmuted."""

    until: datetime | None


class Consent(StrEnum):
    """Whether this person has agreed to a direct conversation that somebody else opened."""

    GIVEN = "given"
    ASKED = "asked"
    DECLINED = "declined"


class ConversationRecord(msgspec.Struct, kw_only=True):
    """Where this device stands in a conversation's log.

    `epoch` and `state` are the newest verified in public; `keyed_epoch` is the newest this device
    has the secrets of, or NO_EPOCH. They differ after a commit whose secret half was wrong, or
    where the server has gone back, until a resync.
    `link` is chain(`cursor`). `unseen` are identities of whom one should be seen before a joiner
    trusts the group; `leavers` are statements whose removal is not yet committed. `listed`: the
    server counts this person as a member. `forks` are heads that contradict `link` and those
    before it, one of each person who told of one; `accepted_forks` are those a human has looked at.
    `read_seq` is the last entry the person has read.
    `removed_by_server`: of whom it took a device by its word alone, and who have not come again.
    `withheld`: entries that came without their bytes, with no later one that gives a reason.
    `policy`: the newest change that everybody is told of. `pinned`: the messages that are pinned,
    by their entries, in the order in which they were.
    `last_committer`: the leaf of whoever made the newest commit that this device followed.
    `muted` and what follows it is nobody's business but this person's.
    """

    conversation_id: UUID
    peer_id: UUID | None
    state: bytes
    epoch: int
    keyed_epoch: int
    first_seq: int
    cursor: int
    link: bytes
    leaf_updated_at: datetime
    standing: Standing = Standing.MEMBER
    listed: bool = True
    read_seq: int = 0
    finding: Finding | None = None
    forks: tuple[HeadRecord, ...] = ()
    accepted_forks: tuple[HeadRecord, ...] = ()
    removed_by_server: tuple[Principal, ...] = ()
    withheld: tuple[WithheldRecord, ...] = ()
    policy: PolicyRecord | None = None
    pinned: tuple[int, ...] = ()
    unseen: tuple[bytes, ...] = ()
    leavers: tuple[bytes, ...] = ()
    group_info_checked: int = 0
    last_committer: int = 0
    muted: MuteRecord | None = None
    consent: Consent = Consent.GIVEN
    draft: str | None = None

    def __repr__(self) -> str:
        return f"ConversationRecord(conversation_id={self.conversation_id}, …)"


class GroupStatesRecord(msgspec.Struct, frozen=True):
    """`secret`: the `mls.Group` of `keyed_epoch`; `public`: the newest PublicGroup, if it is
    another."""

    secret: bytes
    public: bytes | None = None

    def __repr__(self) -> str:
        return "GroupStatesRecord(…)"


class EpochRecord(msgspec.Struct, frozen=True):
    """`content_key` is None for an epoch this device could follow in public only."""

    first_seq: int
    context_hash: bytes
    content_key: bytes | None

    def __repr__(self) -> str:
        return f"EpochRecord(first_seq={self.first_seq}, …)"


class SeatRecord(msgspec.Struct, frozen=True):
    """A device in a conversation, in the newest epoch. `provisional`: vouched for by another
    device of the same person, not by their identity."""

    device_id: UUID
    user_id: UUID
    identity_key: bytes
    device_key: bytes
    rank: Rank
    provisional: bool = False


CHANGE_LOST: Final = "change_lost"
"""The `problem` of a message whose newest text the server has lost again."""
EDIT_WITHHELD: Final = "edit_withheld"
"""The `problem` of a message whose text is not its newest."""


class PinnedRecord(msgspec.Struct, frozen=True):
    """Who pinned a message, and when by the server's clock."""

    by: Principal
    at: datetime


class MessageRecord(msgspec.Struct, kw_only=True):
    """A message as it stands after all entries up to `changed_seq` that touch it. `provisional`:
    by such a device as `SeatRecord` says. `sender_key` is the identity whose device signed it; None
    for a stub, whose sender is the server's word. `lost`: the server has it no more, as after a
    restore; `seq` is where it stood. `mentions`: whom it names, who was in the conversation;
    `everyone`: that it is for all, by somebody who may say so. `portrays`: whom its file shows, by
    somebody who may say so."""

    message_id: int
    seq: int
    epoch: int
    hash: bytes
    sender_id: UUID
    sender_key: bytes | None = None
    created_at: datetime
    changed_seq: int
    origin: bytes | None = None
    text: str | None = None
    files: tuple[FileInfo, ...] = ()
    reply_to: bytes = NO_TARGET
    edit_no: int = 0
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    problem: str | None = None
    provisional: bool = False
    lost: bool = False
    pin_no: int = 0
    pinned: PinnedRecord | None = None
    mentions: tuple[Principal, ...] = ()
    everyone: bool = False
    portrays: Portrayed | None = None

    def __repr__(self) -> str:
        return f"MessageRecord(message_id={self.message_id}, …)"


class ReactionRecord(msgspec.Struct, frozen=True):
    """The last state of one reaction. `emoji` is None where no known emoji gives the token."""

    who: Principal
    token: bytes
    counter: int
    present: bool
    emoji: str | None

    def __repr__(self) -> str:
        return "ReactionRecord(…)"


class PendingCommitRecord(msgspec.Struct, frozen=True):
    """A commit that was built and perhaps sent: the request and the complete next state.

    `epoch` is the one it was built upon. `enters`: this device has no standing in the conversation
    before it is ordered. `unseen` and `consent` as in ConversationRecord.
    """

    conversation_id: UUID
    epoch: int
    command_name: str
    command: bytes
    commit_hash: bytes
    group: bytes
    enters: bool = False
    peer_id: UUID | None = None
    unseen: tuple[bytes, ...] = ()
    consent: Consent = Consent.GIVEN

    def __repr__(self) -> str:
        return f"PendingCommitRecord(epoch={self.epoch}, {self.command_name})"


class OutboxRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent under `client_id`, however often it is encrypted again.

    `text` of a reaction is its emoji; `op` says whether it, or a pin, is to be there. `reason` of a
    deletion goes to the server in clear. `abandoned`: nobody is sending it any more, and nobody
    knows whether it arrived.
    """

    client_id: UUID
    conversation_id: UUID
    kind: EntryKind
    target: bytes = NO_TARGET
    text: str | None = None
    files: tuple[FileInfo, ...] = ()
    op: ReactionOp = ReactionOp.ADD
    reason: str | None = None
    portrays: Portrayed | None = None
    abandoned: bool = False

    def __repr__(self) -> str:
        return f"OutboxRecord(client_id={self.client_id}, …)"


class PrivacyRecord(msgspec.Struct, frozen=True):
    """Whether others may see that this person types, and that they are there."""

    typing: bool = True
    presence: bool = False


class EvidenceRecord(msgspec.Struct, frozen=True):
    """A commit that `accept` refused, and the public state it was refused upon."""

    seq: int
    commit: bytes
    public: bytes
    finding: Finding
