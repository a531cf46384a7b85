"""Files before and beside their bytes."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol.commands.shapes import Command


class ReserveFile(Command, frozen=True, kw_only=True):
    """Announce an upload: `/files/{file_id}/content` takes exactly `size_bytes` after it, whole
    (`PUT`) or in pieces (tus 1.0).

    `filename` is encrypted, base64url; `encryption_header` is the secretstream header.
    """

    conversation_id: UUID
    file_id: UUID
    filename: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+(?!\n)$")]
    size_bytes: Annotated[int, Meta(ge=1)]
    encryption_header: Annotated[bytes, Meta(min_length=24, max_length=24)]


class FileReserved(msgspec.Struct, frozen=True, kw_only=True):
    """`uploaded`: the bytes are there already (a repeated request)."""

    file_id: UUID
    uploaded: bool


class DiscardFile(Command, frozen=True, kw_only=True):
    """Give up an upload that was not attached."""

    file_id: UUID
