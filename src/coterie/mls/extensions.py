"""Extensions of leaf nodes, key packages, GroupContext and GroupInfo (RFC 9420 §13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from coterie.mls.codec import Reader, decode, opaque, uint16, vector
from coterie.mls.errors import DecodeError

Extension = tuple[int, bytes]
"""An extension's type and its data."""

Extensions = tuple[Extension, ...]


class ExtensionType(IntEnum):
    """The default extensions, which every client supports without saying so (RFC 9420 §7.2)."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5


DEFAULT_EXTENSIONS = frozenset(int(extension) for extension in ExtensionType)
DEFAULT_PROPOSALS = frozenset(range(1, 8))


def read_extensions(reader: Reader) -> Extensions:
    extensions = reader.vector(lambda inner: (inner.uint16(), inner.opaque()))
    if len({kind for kind, _ in extensions}) != len(extensions):
        raise DecodeError("extensions.unique", "an extension type occurs twice")
    return extensions


def encode_extensions(extensions: Iterable[Extension]) -> bytes:
    return vector(uint16(kind) + opaque(data) for kind, data in extensions)


def find_extension(extensions: Iterable[Extension], kind: int) -> bytes | None:
    return next((data for found, data in extensions if found == kind), None)


def read_uint16s(reader: Reader) -> tuple[int, ...]:
    return reader.vector(Reader.uint16)


def encode_uint16s(values: Iterable[int]) -> bytes:
    return vector(map(uint16, values))


@dataclass(frozen=True, slots=True)
class RequiredCapabilities:
    """What every member must support beyond the defaults (RFC 9420 §11.1)."""

    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    @classmethod
    def read(cls, reader: Reader) -> "RequiredCapabilities":
        return cls(read_uint16s(reader), read_uint16s(reader), read_uint16s(reader))

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> "RequiredCapabilities":
        """What a GroupContext's extensions require; nothing when they do not say."""
        data = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
        return cls() if data is None else decode(cls.read, data)

    def encode(self) -> bytes:
        lists = (self.extensions, self.proposals, self.credentials)
        return b"".join(map(encode_uint16s, lists))


@dataclass(frozen=True, slots=True)
class ExternalSender:
    """A non-member that may propose (RFC 9420 §12.1.8.1)."""

    signature_key: bytes
    credential_type: int
    identity: bytes

    @classmethod
    def read(cls, reader: Reader) -> "ExternalSender":
        return cls(reader.opaque(), *read_credential(reader))

    @classmethod
    def list_of(cls, extensions: Iterable[Extension]) -> Sequence["ExternalSender"]:
        data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
        if data is None:
            return ()
        return decode(lambda reader: reader.vector(cls.read), data)


BASIC_CREDENTIAL = 1
X509_CREDENTIAL = 2


def read_credential(reader: Reader) -> tuple[int, bytes]:
    """A credential's type and its content: the identity, or the encoded chain of X.509."""
    kind = reader.uint16()
    if kind not in (BASIC_CREDENTIAL, X509_CREDENTIAL):
        raise DecodeError("credential.type", f"credential type {kind} is unknown")
    return kind, reader.opaque()


def check_group_extensions(extensions: Iterable[Extension]) -> None:
    """Refuses GroupContext extensions whose content does not parse."""
    extensions = tuple(extensions)
    RequiredCapabilities.of(extensions)
    ExternalSender.list_of(extensions)
