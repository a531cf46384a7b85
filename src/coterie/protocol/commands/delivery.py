"""What the MLS delivery service serves: anchors, commits, GroupInfos, Welcomes."""

from uuid import UUID

import msgspec

from coterie.protocol.commands.shapes import Command, Cursor, GroupInfoBytes


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
