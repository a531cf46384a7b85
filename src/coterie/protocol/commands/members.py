"""Members: listed, kicked, gone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Commit, Reason, Rows
from coterie.protocol.roles import Role


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
