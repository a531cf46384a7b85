"""Authenticated encryption with XChaCha20-Poly1305. A seal is `nonce 24 ‖ ciphertext`."""

import secrets
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt as _decrypt,
)
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_encrypt as _encrypt,
)
from nacl.exceptions import CryptoError

NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16


class SealBroken(ValueError):
    """Another key, another context, or the bytes were changed: there is no telling which."""


def encrypt(key: bytes, nonce: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    return _encrypt(plaintext, associated_data, nonce, key)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated_data: bytes) -> bytes:
    """Raises SealBroken."""
    if len(ciphertext) < TAG_BYTES:
        raise SealBroken("the ciphertext is too short")
    try:
        return _decrypt(ciphertext, associated_data, nonce, key)
    except CryptoError:
        raise SealBroken("the ciphertext does not open") from None


def seal(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + encrypt(key, nonce, plaintext, associated_data)


def unseal(key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    """Raises SealBroken."""
    return decrypt(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data)
