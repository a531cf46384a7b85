"""Whom one hears nothing from directly."""

from uuid import UUID

import msgspec

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Rows


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
