"""Direct conversations."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Anchor, Command, Commit


class OpenDirect(Command, frozen=True, kw_only=True):
    """Begin a direct conversation: epoch 0 of the maker, the Add of the other, the Welcome.

    With oneself, `peer_id` is one's own: the commit adds one's other devices, and where there are
    none there is no Welcome.
    """

    conversation_id: UUID
    peer_id: UUID
    anchor: Anchor
    commit: Commit
    welcome: Annotated[bytes, Meta(min_length=1, max_length=limits.COMMIT_BYTES)] | None = None


class GetDirect(Command, frozen=True, kw_only=True):
    """One's direct conversation with somebody."""

    peer_id: UUID
