"""Key packages: how a client lets itself be added (RFC 9420 §10)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coterie.mls import hpke
from coterie.mls.codec import Reader, decode, opaque, uint16
from coterie.mls.errors import ValidationError
from coterie.mls.extensions import Extension, Extensions, encode_extensions, read_extensions
from coterie.mls.limits import MAX_KEY_PACKAGE_BYTES
from coterie.mls.nodes import Capabilities, LeafNode, LeafNodeSource
from coterie.mls.suites import PROTOCOL_VERSION, Suite


@dataclass(frozen=True, slots=True)
class KeyPackage:
    """The KeyPackage struct itself; `encoded` carries no MLSMessage header."""

    version: int
    cipher_suite: int
    init_key: bytes
    leaf_node: LeafNode
    extensions: Extensions
    signature: bytes = field(repr=False)
    encoded: bytes = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "KeyPackage":
        start = reader.position
        version, cipher_suite, init_key = reader.uint16(), reader.uint16(), reader.opaque()
        leaf_node, extensions = LeafNode.read(reader), read_extensions(reader)
        signature = reader.opaque()
        encoded = reader.since(start)
        return cls(version, cipher_suite, init_key, leaf_node, extensions, signature, encoded)

    @classmethod
    def decode(cls, data: bytes) -> "KeyPackage":
        """Raises `DecodeError`. Nothing is verified: see `validate`."""
        return decode(cls.read, data, MAX_KEY_PACKAGE_BYTES)

    def reference(self, suite: Suite) -> bytes:
        """KeyPackageRef, 32 bytes (RFC 9420 §5.2)."""
        return suite.ref_hash(b"MLS 1.0 KeyPackage Reference", self.encoded)

    def validate(self, suite: Suite, now: int | None = None) -> None:
        """Raises `ValidationError` unless valid by RFC 9420 §10.1.

        The lifetime is checked against `now` (seconds since 1970), by whoever adds; `None` leaves
        it out, for processing must not depend on a clock.
        """
        if self.version != PROTOCOL_VERSION or self.cipher_suite != suite.id:
            raise ValidationError("key-package.suite", "a key package is for another suite")
        leaf = self.leaf_node
        if leaf.source is not LeafNodeSource.KEY_PACKAGE:
            raise ValidationError("key-package.source", "its leaf was not made for a key package")
        leaf.check_content(suite)
        hpke.check_public_key(self.init_key)
        if self.init_key == leaf.encryption_key:
            raise ValidationError("key-package.init-key", "init_key equals encryption_key")
        leaf.verify_signature(suite, None)
        self._verify_signature(suite)
        if now is not None:
            self._check_lifetime(now)

    def _verify_signature(self, suite: Suite) -> None:
        content = self.encoded[: -len(opaque(self.signature))]
        key = self.leaf_node.signature_key
        if not suite.verify_with_label(key, b"KeyPackageTBS", content, self.signature):
            raise ValidationError("key-package.signature", "a key package is not signed")

    def _check_lifetime(self, now: int) -> None:
        not_before, not_after = self.leaf_node.lifetime or (0, 0)
        if not not_before <= now <= not_after:
            raise ValidationError("key-package.lifetime", "a key package is not valid now")


@dataclass(frozen=True, slots=True)
class KeyPackageSecrets:
    """A key package with its private halves; they show in no `repr`."""

    package: KeyPackage
    init_private: bytes = field(repr=False)
    encryption_private: bytes = field(repr=False)
    signature_private: bytes = field(repr=False)

    def encode(self) -> bytes:
        """For storage; holds the private keys."""
        keys = (self.init_private, self.encryption_private, self.signature_private)
        return opaque(self.package.encoded) + b"".join(map(opaque, keys))

    @classmethod
    def decode(cls, data: bytes) -> "KeyPackageSecrets":
        return decode(cls._read, data)

    @classmethod
    def _read(cls, reader: Reader) -> "KeyPackageSecrets":
        package = KeyPackage.decode(reader.opaque())
        return cls(package, reader.opaque(), reader.opaque(), reader.opaque())


def new_key_package(
    suite: Suite,
    identity: bytes,
    signature_private: bytes,
    *,
    capabilities: Capabilities,
    lifetime: tuple[int, int],
    leaf_extensions: Sequence[Extension] = (),
    extensions: Sequence[Extension] = (),
) -> KeyPackageSecrets:
    """A key package with a basic credential and fresh HPKE keys.

    `signature_private` is a 32-byte Ed25519 seed, `lifetime` is not_before and not_after in
    seconds since 1970.
    """
    init_private, init_key = hpke.generate_key_pair()
    encryption_private, encryption_key = hpke.generate_key_pair()
    leaf = LeafNode.sign(
        suite,
        signature_private,
        encryption_key=encryption_key,
        identity=identity,
        capabilities=capabilities,
        extensions=leaf_extensions,
        lifetime=lifetime,
    )
    content = (
        uint16(PROTOCOL_VERSION)
        + uint16(suite.id)
        + opaque(init_key)
        + leaf.encoded
        + encode_extensions(extensions)
    )
    signature = suite.sign_with_label(signature_private, b"KeyPackageTBS", content)
    package = KeyPackage.decode(content + opaque(signature))
    package.validate(suite)
    return KeyPackageSecrets(package, init_private, encryption_private, signature_private)
