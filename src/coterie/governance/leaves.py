"""What MLS carries for us: the state in the GroupContext, the seat and the principal in a leaf."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from coterie.governance.certificates import Certificate, principal
from coterie.governance.encoding import EncodingError
from coterie.governance.state import GroupState
from coterie.mls import (
    Capabilities,
    GroupContext,
    LeafNode,
    PublicGroup,
    RatchetTree,
    RequiredCapabilities,
)

SUITE: Final = 0x0001
GROUP_ID_BYTES: Final = 16
SEAT_BYTES: Final = 16

REQUIRED_CAPABILITIES: Final = 0x0003
LAST_RESORT: Final = 0x000A
STATE_EXTENSION: Final = 0xF0C0
SEAT_EXTENSION: Final = 0xF0C1

CAPABILITIES: Final = Capabilities(
    versions=(1,),
    cipher_suites=(SUITE,),
    extensions=(LAST_RESORT, STATE_EXTENSION, SEAT_EXTENSION),
    proposals=(),
    credentials=(1,),
)
"""Of every leaf, exactly; nothing is listed to grease the protocol."""

REQUIRED: Final = RequiredCapabilities(
    extensions=(STATE_EXTENSION, SEAT_EXTENSION), proposals=(), credentials=(1,)
).encode()
"""The content of every group's required_capabilities extension, exactly."""

Extensions = tuple[tuple[int, bytes], ...]


def new_seat() -> bytes:
    """16 random bytes, drawn with the KeyPackage or the external commit that uses them."""
    return secrets.token_bytes(SEAT_BYTES)


def seat_extension(seat: bytes) -> tuple[int, bytes]:
    return SEAT_EXTENSION, seat


def seat_of(leaf: LeafNode) -> bytes:
    """The seat of a leaf. Raises EncodingError unless that is its only extension."""
    match leaf.extensions:
        case ((0xF0C1, seat),) if len(seat) == SEAT_BYTES:
            return seat
        case _:
            raise EncodingError("a leaf has one extension, its seat of 16 bytes")


def context_extensions(state: GroupState) -> Extensions:
    """The extensions of a GroupContext with this state: always these two, in this order."""
    return (REQUIRED_CAPABILITIES, REQUIRED), (STATE_EXTENSION, state.encode())


def state_in(extensions: Extensions) -> GroupState:
    """Raises EncodingError unless the extensions are what `context_extensions` gives."""
    match extensions:
        case ((0x0003, required), (0xF0C0, state)) if required == REQUIRED:
            return GroupState.decode(state)
        case _:
            raise EncodingError("a GroupContext has required_capabilities and 0xF0C0, exactly")


def state_of(group: PublicGroup | GroupContext) -> GroupState:
    """The signed state of an epoch. Raises EncodingError."""
    return state_in(group.extensions)


class Seat(msgspec.Struct, frozen=True):
    """A leaf as governance sees it: who sits there, with which device."""

    leaf_index: int
    seat: bytes
    device_key: bytes
    certificate: Certificate

    @property
    def identity_key(self) -> bytes:
        return self.certificate.identity_key

    @property
    def user_id(self) -> UUID:
        return self.certificate.user_id

    @property
    def device_id(self) -> UUID:
        return self.certificate.device_id


Members = Mapping[bytes, list[Seat]]
"""The seats of each identity key, in the order of their leaves; nobody with no seat."""


def seat_at(leaf_index: int, leaf: LeafNode) -> Seat:
    """Raises EncodingError when the leaf is not one of ours."""
    return Seat(leaf_index, seat_of(leaf), leaf.signature_key, principal(leaf))


def seats_of(tree: RatchetTree) -> dict[int, Seat]:
    """The seats of a tree by leaf index. Raises EncodingError as `seat_at`."""
    return {leaf_index: seat_at(leaf_index, leaf) for leaf_index, leaf in tree.leaves()}


def by_identity(seats: Iterable[Seat]) -> Members:
    """`seats` in the order of their leaves."""
    members: dict[bytes, list[Seat]] = {}
    for seat in seats:
        members.setdefault(seat.identity_key, []).append(seat)
    return members


def members_of(tree: RatchetTree) -> Members:
    """Who is in a tree. Raises EncodingError as `seat_at`."""
    return by_identity(seats_of(tree).values())


def without_leaves(members: Members, leaf_indices: Iterable[int]) -> Members:
    """Who is left when these leaves are removed."""
    removed = set(leaf_indices)
    left = {
        key: [seat for seat in seats if seat.leaf_index not in removed]
        for key, seats in members.items()
    }
    return {key: seats for key, seats in left.items() if seats}
