"""HPKE base mode with DHKEM(X25519, HKDF-SHA256) (RFC 9180).

`cryptography` seals and opens. It offers neither DeriveKeyPair nor the exporter that external
commits need, so these two stand here.
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from nacl.bindings import crypto_scalarmult_base

from coterie.mls.codec import uint16
from coterie.mls.errors import SecretError, ValidationError

KEY_LENGTH = 32
_KEM_SUITE = b"KEM" + uint16(0x0020)
_BASE_MODE = b"\x00"

# The points of order 1, 2, 4 and 8 on the curve and its twist, in all encodings below 2^255. With
# any of them a Diffie-Hellman result is zero, so nobody could ever seal to such a key.
_SMALL_ORDER_POINTS = frozenset(
    bytes.fromhex(point)
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def extract(salt: bytes, key_material: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869 §2.2)."""
    return hmac.digest(salt, key_material, "sha256")


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869 §2.3); at most 8,160 bytes."""
    output = block = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(secret, block + info + bytes((counter,)), "sha256")
        output += block
    return output[:length]


def check_public_key(key: bytes) -> None:
    """Refuses a key nobody can seal to: wrong length, or a point of small order."""
    if len(key) != KEY_LENGTH:
        raise ValidationError("key.hpke", "an X25519 public key has 32 bytes")
    if key[:31] + bytes((key[31] & 0x7F,)) in _SMALL_ORDER_POINTS:
        raise ValidationError("key.hpke", "an X25519 public key has small order")


def generate_key_pair() -> tuple[bytes, bytes]:
    """A fresh (private, public) pair."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def derive_key_pair(key_material: bytes) -> tuple[bytes, bytes]:
    """DeriveKeyPair of DHKEM(X25519) (RFC 9180 §7.1.3): a (private, public) pair."""
    secret = _labeled_extract(_KEM_SUITE, b"", b"dkp_prk", key_material)
    private = _labeled_expand(_KEM_SUITE, secret, b"sk", b"", KEY_LENGTH)
    return private, public_key(private)


def public_key(private: bytes) -> bytes:
    return crypto_scalarmult_base(private)  # in half the time


def seal(suite: hpke.Suite, public: bytes, info: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
    """(KEM output, ciphertext)."""
    check_public_key(public)
    sealed = suite.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info)
    return sealed[:KEY_LENGTH], sealed[KEY_LENGTH:]


def unseal(
    suite: hpke.Suite, private: bytes, info: bytes, kem_output: bytes, ciphertext: bytes
) -> bytes:
    if len(kem_output) != KEY_LENGTH:
        raise SecretError("hpke.open", "an HPKE KEM output has 32 bytes")
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        return suite.decrypt(kem_output + ciphertext, key, info)
    except InvalidTag as error:
        raise SecretError("hpke.open", "an HPKE ciphertext does not open") from error


def sender_export(aead_id: int, public: bytes, context: bytes, length: int) -> tuple[bytes, bytes]:
    """SetupBaseS with empty info, then Context.Export: (KEM output, secret)."""
    check_public_key(public)
    private, kem_output = generate_key_pair()
    shared = _shared_secret(private, public, kem_output, public)
    return kem_output, _export(aead_id, shared, context, length)


def receiver_export(
    aead_id: int, private: bytes, kem_output: bytes, context: bytes, length: int
) -> bytes:
    """SetupBaseR with empty info, then Context.Export."""
    check_public_key(kem_output)
    shared = _shared_secret(private, kem_output, kem_output, public_key(private))
    return _export(aead_id, shared, context, length)


def _shared_secret(private: bytes, peer: bytes, kem_output: bytes, recipient: bytes) -> bytes:
    """ExtractAndExpand of DHKEM (RFC 9180 §4.1)."""
    key = X25519PrivateKey.from_private_bytes(private)
    agreed = key.exchange(X25519PublicKey.from_public_bytes(peer))
    secret = _labeled_extract(_KEM_SUITE, b"", b"eae_prk", agreed)
    return _labeled_expand(_KEM_SUITE, secret, b"shared_secret", kem_output + recipient, 32)


def _export(aead_id: int, shared: bytes, context: bytes, length: int) -> bytes:
    """The part of KeySchedule and Context.Export that needs no AEAD (RFC 9180 §5.1, §5.3)."""
    suite = b"HPKE" + uint16(0x0020) + uint16(0x0001) + uint16(aead_id)
    schedule_context = (
        _BASE_MODE
        + _labeled_extract(suite, b"", b"psk_id_hash", b"")
        + _labeled_extract(suite, b"", b"info_hash", b"")
    )
    secret = _labeled_extract(suite, shared, b"secret", b"")
    exporter = _labeled_expand(suite, secret, b"exp", schedule_context, 32)
    return _labeled_expand(suite, exporter, b"sec", context, length)


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, key_material: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + key_material)


def _labeled_expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(secret, uint16(length) + b"HPKE-v1" + suite + label + info, length)
