"""Welcome: how those who were added learn the group's secrets (RFC 9420 §12.4.3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coterie.mls.codec import Reader, decode, opaque, optional, uint16, vector
from coterie.mls.commits import HPKECiphertext
from coterie.mls.errors import DecodeError, MissingSecret, ValidationError
from coterie.mls.framing import WireFormat, message_header
from coterie.mls.group_info import GroupInfo
from coterie.mls.key_packages import KeyPackage, KeyPackageSecrets
from coterie.mls.limits import MAX_WELCOME_BYTES
from coterie.mls.psk import PreSharedKeyID, read_psk_id
from coterie.mls.suites import NONCE_LENGTH, Suite

_HEADER = message_header(WireFormat.WELCOME)


@dataclass(frozen=True, slots=True)
class GroupSecrets:
    """What one new member is given, sealed to its init key."""

    joiner_secret: bytes = field(repr=False)
    path_secret: bytes | None = field(repr=False)
    psk_ids: tuple[PreSharedKeyID, ...]

    @classmethod
    def read(cls, reader: Reader) -> "GroupSecrets":
        return cls(reader.opaque(), reader.optional(Reader.opaque), reader.vector(read_psk_id))

    def encode(self) -> bytes:
        path = None if self.path_secret is None else opaque(self.path_secret)
        psks = vector(psk_id.encode() for psk_id in self.psk_ids)
        return opaque(self.joiner_secret) + optional(path) + psks


@dataclass(frozen=True, slots=True)
class EncryptedGroupSecrets:
    new_member: bytes
    """KeyPackageRef."""
    sealed: HPKECiphertext

    @classmethod
    def read(cls, reader: Reader) -> "EncryptedGroupSecrets":
        return cls(reader.opaque(), HPKECiphertext.read(reader))

    def encode(self) -> bytes:
        return opaque(self.new_member) + self.sealed.encode()


@dataclass(frozen=True, slots=True)
class Welcome:
    cipher_suite: int
    secrets: tuple[EncryptedGroupSecrets, ...]
    encrypted_group_info: bytes = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "Welcome":
        return cls(reader.uint16(), reader.vector(EncryptedGroupSecrets.read), reader.opaque())

    @classmethod
    def decode(cls, data: bytes) -> "Welcome":
        """From the MLSMessage; raises `DecodeError`."""
        if not data.startswith(_HEADER):
            raise DecodeError("framing.wire-format", "this is no Welcome message")
        return decode(cls.read, data[len(_HEADER) :], MAX_WELCOME_BYTES)

    @property
    def encoded(self) -> bytes:
        """As MLSMessage."""
        secrets = vector(secret.encode() for secret in self.secrets)
        return _HEADER + uint16(self.cipher_suite) + secrets + opaque(self.encrypted_group_info)

    @classmethod
    def seal(
        cls,
        suite: Suite,
        group_info: GroupInfo,
        welcome_secret: bytes,
        recipients: Sequence[tuple[KeyPackage, GroupSecrets]],
    ) -> "Welcome":
        key, nonce = _group_info_key(suite, welcome_secret)
        encrypted = suite.encrypt(key, nonce, group_info.struct, b"")
        return cls(
            suite.id,
            tuple(_seal(suite, package, secrets, encrypted) for package, secrets in recipients),
            encrypted,
        )

    def group_secrets(self, suite: Suite, own: KeyPackageSecrets) -> GroupSecrets:
        """Raises `MissingSecret` when the Welcome is for others, `SecretError` when forged."""
        if self.cipher_suite != suite.id or own.package.cipher_suite != suite.id:
            raise ValidationError("welcome.suite", "a Welcome is for another suite")
        reference = own.package.reference(suite)
        sealed = next((one.sealed for one in self.secrets if one.new_member == reference), None)
        if sealed is None:
            raise MissingSecret("welcome.recipient", "a Welcome is not for this key package")
        plaintext = suite.decrypt_with_label(
            own.init_private,
            b"Welcome",
            self.encrypted_group_info,
            sealed.kem_output,
            sealed.ciphertext,
        )
        return decode(GroupSecrets.read, plaintext)

    def group_info(self, suite: Suite, welcome_secret: bytes) -> GroupInfo:
        key, nonce = _group_info_key(suite, welcome_secret)
        return decode(GroupInfo.read, suite.decrypt(key, nonce, self.encrypted_group_info, b""))


def _seal(
    suite: Suite, package: KeyPackage, secrets: GroupSecrets, encrypted_group_info: bytes
) -> EncryptedGroupSecrets:
    kem_output, ciphertext = suite.encrypt_with_label(
        package.init_key, b"Welcome", encrypted_group_info, secrets.encode()
    )
    return EncryptedGroupSecrets(package.reference(suite), HPKECiphertext(kem_output, ciphertext))


def _group_info_key(suite: Suite, welcome_secret: bytes) -> tuple[bytes, bytes]:
    key = suite.expand_with_label(welcome_secret, b"key", b"", suite.key_length)
    return key, suite.expand_with_label(welcome_secret, b"nonce", b"", NONCE_LENGTH)
