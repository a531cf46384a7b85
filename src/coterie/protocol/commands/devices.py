"""KeyPackages, by which devices are added to groups."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command

KeyPackageBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.KEY_PACKAGE_BYTES)]


class PublishKeyPackages(Command, frozen=True, kw_only=True):
    """Add one-time packages to this device's pool; `last_resort` replaces the one kept."""

    key_packages: Annotated[list[KeyPackageBytes], Meta(max_length=limits.KEY_PACKAGES_PER_DEVICE)]
    last_resort: KeyPackageBytes | None = None


class KeyPackageCount(msgspec.Struct, frozen=True, kw_only=True):
    key_packages: int


class ClaimKeyPackages(Command, frozen=True, kw_only=True):
    """One package of each active device of somebody; a one-time package is given out once."""

    user_id: UUID


class ClaimedKeyPackages(msgspec.Struct, frozen=True, kw_only=True):
    key_packages: list[bytes]
    device_list: bytes
