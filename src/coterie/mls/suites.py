"""Cipher suites 0x0001 and 0x0003 and the functions of RFC 9420 §5: X25519, SHA-256, Ed25519."""

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke as hpke_library
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from coterie.mls import hpke
from coterie.mls.codec import opaque, uint16, uint32
from coterie.mls.errors import SecretError, ValidationError
from coterie.mls.limits import MAX_EXPORT_BYTES

PROTOCOL_VERSION = 1
HASH_LENGTH = 32
NONCE_LENGTH = 12
SIGNATURE_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
NO_SECRET = bytes(HASH_LENGTH)

_LABEL_PREFIX = b"MLS 1.0 "


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite; all lengths are in bytes."""

    id: int
    name: str
    key_length: int
    _aead: type[AESGCM] | type[ChaCha20Poly1305] = field(repr=False)
    _hpke: hpke_library.Suite = field(repr=False)
    _hpke_aead_id: int = field(repr=False)

    def hash(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, "sha256")

    def extract(self, salt: bytes, key_material: bytes) -> bytes:
        return hpke.extract(salt, key_material)

    def expand_with_label(self, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        """ExpandWithLabel (RFC 9420 §8)."""
        if length > MAX_EXPORT_BYTES:
            raise ValidationError("export.length", "HKDF yields at most 8,160 bytes")
        info = uint16(length) + opaque(_LABEL_PREFIX + label) + opaque(context)
        return hpke.expand(secret, info, length)

    def derive_secret(self, secret: bytes, label: bytes) -> bytes:
        return self.expand_with_label(secret, label, b"", HASH_LENGTH)

    def derive_tree_secret(
        self, secret: bytes, label: bytes, generation: int, length: int
    ) -> bytes:
        return self.expand_with_label(secret, label, uint32(generation), length)

    def ref_hash(self, label: bytes, value: bytes) -> bytes:
        """RefHash (RFC 9420 §5.2); `label` as given, without the prefix of the others."""
        return self.hash(opaque(label) + opaque(value))

    def sign_with_label(self, private: bytes, label: bytes, content: bytes) -> bytes:
        """SignWithLabel (RFC 9420 §5.1.2) with a 32-byte Ed25519 seed."""
        return SigningKey(private).sign(_labeled(label, content)).signature

    def verify_with_label(
        self, public: bytes, label: bytes, content: bytes, signature: bytes
    ) -> bool:
        """VerifyWithLabel (RFC 9420 §5.1.2) by libsodium's rule."""
        return verify_ed25519(public, _labeled(label, content), signature)

    def encrypt_with_label(
        self, public: bytes, label: bytes, context: bytes, plaintext: bytes
    ) -> tuple[bytes, bytes]:
        """EncryptWithLabel (RFC 9420 §5.1.3): (KEM output, ciphertext)."""
        return hpke.seal(self._hpke, public, _labeled(label, context), plaintext)

    def decrypt_with_label(
        self, private: bytes, label: bytes, context: bytes, kem_output: bytes, ciphertext: bytes
    ) -> bytes:
        """DecryptWithLabel (RFC 9420 §5.1.3); raises `SecretError`."""
        info = _labeled(label, context)
        return hpke.unseal(self._hpke, private, info, kem_output, ciphertext)

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return self._aead(key).encrypt(nonce, plaintext, aad)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        """Raises `SecretError` when the ciphertext was not made with this key."""
        try:
            return self._aead(key).decrypt(nonce, ciphertext, aad)
        except InvalidTag as error:
            raise SecretError("aead.open", "a ciphertext does not open") from error

    def external_init_sender(self, external_pub: bytes) -> tuple[bytes, bytes]:
        """(KEM output, init_secret) for an external commit (RFC 9420 §8.3)."""
        return hpke.sender_export(
            self._hpke_aead_id, external_pub, b"MLS 1.0 external init secret", HASH_LENGTH
        )

    def external_init_receiver(self, external_private: bytes, kem_output: bytes) -> bytes:
        """The init_secret a member derives from an external commit (RFC 9420 §8.3)."""
        return hpke.receiver_export(
            self._hpke_aead_id,
            external_private,
            kem_output,
            b"MLS 1.0 external init secret",
            HASH_LENGTH,
        )


def _labeled(label: bytes, content: bytes) -> bytes:
    return opaque(_LABEL_PREFIX + label) + opaque(content)


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """libsodium's rule: S < L, canonical A and R, neither of small order.

    Ed25519 libraries differ in what they accept; one crafted key would split a group, so every
    implementation of this protocol follows this one (vectors: tests/vectors/ed25519.json).
    """
    if len(public) != SIGNATURE_KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    try:
        VerifyKey(public).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def signature_public_key(private: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    return bytes(SigningKey(private).verify_key)


_SUITES = {
    1: Suite(
        1,
        "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        16,
        AESGCM,
        hpke_library.Suite(
            hpke_library.KEM.X25519, hpke_library.KDF.HKDF_SHA256, hpke_library.AEAD.AES_128_GCM
        ),
        1,
    ),
    3: Suite(
        3,
        "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
        32,
        ChaCha20Poly1305,
        hpke_library.Suite(
            hpke_library.KEM.X25519,
            hpke_library.KDF.HKDF_SHA256,
            hpke_library.AEAD.CHACHA20_POLY1305,
        ),
        3,
    ),
}


def suite(suite_id: int) -> Suite:
    """The suite with this id, 0x0001 or 0x0003; others are refused with `ValidationError`."""
    found = _SUITES.get(suite_id)
    if found is None:
        raise ValidationError("suite.supported", f"cipher suite {suite_id:#06x} is not supported")
    return found
