"""The life of a group as a whole: made, looked at, changed, deleted."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Anchor, Command, Commit, GroupInfoBytes
from coterie.protocol.roles import History, Inviters, Role

GroupName = Annotated[str, Meta(min_length=1, max_length=limits.GROUP_NAME_LENGTH)]
Description = Annotated[str, Meta(max_length=limits.DESCRIPTION_LENGTH)]


SlowModeSeconds = Annotated[int, Meta(ge=0, le=limits.SLOW_MODE_SECONDS)]


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
    """`slow_mode_seconds`: between two messages of a member below moderator; 0 for none."""

    group_id: UUID
    name: str
    description: str | None
    owner_id: UUID
    role: Role
    members: int
    epoch: int
    history: History
    inviters: Inviters
    slow_mode_seconds: int
    created_at: datetime


class UpdateGroup(Command, frozen=True, kw_only=True):
    """Change what is given. Name, history and inviters stand in the signed state: they need the
    commit that changes it. `slow_mode_seconds`: 0 ends slow mode; a member's first message after
    it was set is not held up."""

    group_id: UUID
    name: GroupName | None = None
    description: Description | None = None
    history: History | None = None
    inviters: Inviters | None = None
    slow_mode_seconds: SlowModeSeconds | None = None
    commit: Commit | None = None


class DeleteGroup(Command, frozen=True, kw_only=True):
    """`name` is the group's name, typed by who deletes it."""

    group_id: UUID
    name: str
