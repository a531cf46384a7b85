"""The one way Coterie signs, hashes and derives, outside MLS.

What is signed is `"coterie/1 " ‖ label ‖ 0x00 ‖ fields`, each field with its u32 length: no
signature can be read as one of another label, or with its fields cut elsewhere. Nor as one of MLS,
whose signed contents begin with a length and "MLS 1.0 " (RFC 9420 §5.1.2).
"""

import secrets
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from coterie.governance.encoding import uint

KEY_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
HASH_BYTES: Final = 32
_PREFIX: Final = b"coterie/1 "


class BadSignature(Exception):  # noqa: N818 - reads as a sentence: except BadSignature
    """The signature is not by this key over these fields."""


def sign(seed: bytes, label: str, *fields: bytes) -> bytes:
    """An Ed25519 signature (64 bytes) by the key of a 32-byte seed."""
    return SigningKey(seed).sign(_signed(label, fields)).signature


def verify(public: bytes, signature: bytes, label: str, *fields: bytes) -> None:
    """Raises BadSignature. By libsodium's rule: S < L, canonical A and R, no small order."""
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        raise BadSignature(f"the {label} signature has the wrong size")
    try:
        VerifyKey(public).verify(_signed(label, fields), signature)
    except BadSignatureError:
        raise BadSignature(f"the {label} signature does not verify") from None


def _signed(label: str, fields: tuple[bytes, ...]) -> bytes:
    lengths_and_fields = (uint(len(field), 4) + field for field in fields)
    return _PREFIX + label.encode() + b"\x00" + b"".join(lengths_and_fields)


@lru_cache(maxsize=1 << 15)
def is_valid_key(public: bytes) -> bool:
    """Whether this is the canonical encoding of a point of the prime-order group."""
    return len(public) == KEY_BYTES and crypto_core_ed25519_is_valid_point(public)


def new_key() -> tuple[bytes, bytes]:
    """A fresh Ed25519 key: seed and public half, 32 bytes each."""
    seed = secrets.token_bytes(SEED_BYTES)
    return seed, public_key(seed)


def public_key(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)


def hash_of(data: bytes) -> bytes:
    """H of the protocol: BLAKE2b-256."""
    return blake2b(data, digest_size=HASH_BYTES).digest()


def kdf(key: bytes, label: str) -> bytes:
    """A 32-byte key for one purpose: BLAKE2b-256 keyed with `key`."""
    return blake2b(_PREFIX + label.encode(), key=key, digest_size=HASH_BYTES).digest()
