"""Device certificates: what stands in the basic credential of a leaf.

Type 1, signed by the identity key, 137 bytes:
`1 ‖ user_id 16 ‖ device_id 16 ‖ identity_key 32 ‖ created_at u64 ‖ signature 64`.
Type 2, provisional, signed by another device of the same identity, 169 bytes: `2 ‖ … ‖
created_at u64 ‖ issuer 32 ‖ signature 64`, where issuer is that device's key.
The device's own key is the leaf's signature key.
"""

from enum import IntEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from coterie.governance.encoding import EncodingError, Reader, uint
from coterie.governance.signatures import public_key, sign, verify
from coterie.mls import LeafNode


class CertificateType(IntEnum):
    IDENTITY = 1
    PROVISIONAL = 2


_LABELS: Final = {
    CertificateType.IDENTITY: "certificate",
    CertificateType.PROVISIONAL: "provisional",
}


class Certificate(msgspec.Struct, frozen=True):
    """The principal of a leaf: `(user_id, identity_key)`. `created_at` in ms since 1970."""

    type: CertificateType
    user_id: UUID
    device_id: UUID
    identity_key: bytes
    created_at: int
    signature: bytes
    issuer: bytes | None = None

    @property
    def provisional(self) -> bool:
        return self.type is CertificateType.PROVISIONAL

    def encode(self) -> bytes:
        return (
            uint(self.type, 1)
            + self.user_id.bytes
            + self.device_id.bytes
            + self.identity_key
            + uint(self.created_at, 8)
            + (self.issuer or b"")
            + self.signature
        )

    @classmethod
    def decode(cls, data: bytes) -> "Certificate":
        """Raises EncodingError. The signature is not verified: see `verify`."""
        return _decode(data)

    def verify(self, device_key: bytes) -> None:
        """Raises BadSignature unless this certifies `device_key`."""
        _verify(self, device_key)


@lru_cache(maxsize=1 << 15)
def _decode(data: bytes) -> Certificate:
    reader = Reader(data)
    kind = reader.uint(1)
    if kind not in (CertificateType.IDENTITY, CertificateType.PROVISIONAL):
        raise EncodingError(f"certificate type {kind} is unknown")
    user_id, device_id = UUID(bytes=reader.take(16)), UUID(bytes=reader.take(16))
    identity_key, created_at = reader.take(32), reader.uint(8)
    issuer = reader.take(32) if kind == CertificateType.PROVISIONAL else None
    signature = reader.take(64)
    reader.finish()
    return Certificate(
        CertificateType(kind), user_id, device_id, identity_key, created_at, signature, issuer
    )


@lru_cache(maxsize=1 << 15)
def _verify(certificate: Certificate, device_key: bytes) -> None:
    signer = certificate.issuer or certificate.identity_key
    fields = _fields(certificate, device_key)
    verify(signer, certificate.signature, _LABELS[certificate.type], *fields)


def _fields(certificate: Certificate, device_key: bytes) -> tuple[bytes, ...]:
    fields = (
        uint(certificate.type, 1),
        certificate.user_id.bytes,
        certificate.device_id.bytes,
        certificate.identity_key,
        uint(certificate.created_at, 8),
        device_key,
    )
    return fields if certificate.issuer is None else (*fields, certificate.issuer)


def certify(
    identity_seed: bytes, user_id: UUID, device_id: UUID, device_key: bytes, created_at: int
) -> Certificate:
    """A certificate of type 1, by the identity's 32-byte seed."""
    unsigned = Certificate(
        CertificateType.IDENTITY, user_id, device_id, public_key(identity_seed), created_at, b""
    )
    return _signed(unsigned, identity_seed, device_key)


def certify_provisionally(
    issuer_seed: bytes, issuer: Certificate, device_id: UUID, device_key: bytes, created_at: int
) -> Certificate:
    """A certificate of type 2 for a new device, by the device that holds `issuer`.

    `created_at` has to be later than the issuer's.
    """
    unsigned = Certificate(
        CertificateType.PROVISIONAL,
        issuer.user_id,
        device_id,
        issuer.identity_key,
        created_at,
        b"",
        public_key(issuer_seed),
    )
    return _signed(unsigned, issuer_seed, device_key)


def _signed(unsigned: Certificate, seed: bytes, device_key: bytes) -> Certificate:
    signature = sign(seed, _LABELS[unsigned.type], *_fields(unsigned, device_key))
    return msgspec.structs.replace(unsigned, signature=signature)


def principal(leaf: LeafNode) -> Certificate:
    """The certificate in a leaf's credential. Raises EncodingError."""
    return _decode(leaf.identity)
