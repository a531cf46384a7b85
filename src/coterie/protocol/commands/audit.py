"""What moderators did: kept with the group, for moderators to read."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Rows


class Act(StrEnum):
    """Something done to somebody else, or to the group. What people drop of their own is none."""

    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    SET_ROLE = "set_role"
    TRANSFER = "transfer"
    DELETE_MESSAGE = "delete_message"
    PIN = "pin"
    UNPIN = "unpin"
    CREATE_INVITE = "create_invite"
    REVOKE_INVITE = "revoke_invite"
    UPDATE_GROUP = "update_group"


class ListAudit(Command, frozen=True, kw_only=True):
    """The newest acts, or those before the act `before`."""

    group_id: UUID
    before: Annotated[int, Meta(ge=1, le=limits.LARGEST_NUMBER)] | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, when and why. Usernames are as of now, None for an account that has ended.

    `target_id` is whom it was done to, or whose link or message; `message_id` which message.
    `detail` is the role given, the code of the link, or the settings changed.
    """

    audit_id: int
    actor_id: UUID
    actor_username: str | None
    act: Act
    target_id: UUID | None
    target_username: str | None
    message_id: int | None
    detail: str | None
    reason: str | None
    created_at: datetime


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first."""

    entries: list[AuditEntry]
    more: bool
