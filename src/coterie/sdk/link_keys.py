"""What the secret of an invite link opens: the key that proves it, and the sealed anchor."""

from uuid import UUID

import msgspec

from coterie.governance.signatures import kdf, public_key
from coterie.sdk.seals import seal, unseal


class LinkKeys(msgspec.Struct, frozen=True):
    """The keys of one invite link, derived from its 32-byte secret."""

    secret: bytes

    def __repr__(self) -> str:
        return "LinkKeys(…)"

    @property
    def signing_seed(self) -> bytes:
        """Signs the join proof: an Ed25519 seed, 32 bytes."""
        return kdf(self.secret, "invite sign")

    @property
    def invite_key(self) -> bytes:
        """The public half of it, as the signed group state names the link."""
        return public_key(self.signing_seed)

    def seal_anchor(self, group_id: UUID, anchor: bytes) -> bytes:
        return seal(kdf(self.secret, "invite anchor"), anchor, self._context(group_id))

    def open_anchor(self, group_id: UUID, sealed: bytes) -> bytes:
        """Raises SealBroken for another link, another group, or changed bytes."""
        return unseal(kdf(self.secret, "invite anchor"), sealed, self._context(group_id))

    def _context(self, group_id: UUID) -> bytes:
        return group_id.bytes + self.invite_key
