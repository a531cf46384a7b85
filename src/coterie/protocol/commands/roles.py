"""Roles: given, and the owner's handed over."""

from uuid import UUID

from coterie.protocol.commands.shapes import Command, Commit, Reason
from coterie.protocol.roles import Role


class SetRole(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    role: Role
    reason: Reason | None = None
    commit: Commit


class TransferOwnership(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    commit: Commit
