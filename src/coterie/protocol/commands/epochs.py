"""Commits that need no right."""

from uuid import UUID

from coterie.protocol.commands.shapes import Command, Commit


class AdvanceEpoch(Command, frozen=True, kw_only=True):
    """Order a commit that needs no right: an update of one's own leaf, a resync, the removal of
    somebody who left, a further device of one's own, the dropping of one's own role or invites."""

    conversation_id: UUID
    commit: Commit
