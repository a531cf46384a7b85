"""Links into a group."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.delivery import GroupInfos
from coterie.protocol.commands.shapes import Anchor, Command, Commit, Cursor, Key, Rows
from coterie.protocol.links import CODE_PATTERN

InviteCode = Annotated[str, Meta(pattern=CODE_PATTERN)]


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
