"""Pre-shared keys (RFC 9420 §8.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from coterie.mls.codec import Reader, opaque, uint8, uint16, uint64, vector
from coterie.mls.errors import DecodeError, MissingSecret, ValidationError
from coterie.mls.limits import KEPT_RESUMPTION_PSKS
from coterie.mls.suites import HASH_LENGTH, NO_SECRET, Suite

_EXTERNAL, _RESUMPTION = 1, 2


class ResumptionUsage(IntEnum):
    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


@dataclass(frozen=True, slots=True)
class ExternalPSK:
    """Names a secret the application agreed on elsewhere."""

    psk_id: bytes
    nonce: bytes

    def encode(self) -> bytes:
        return uint8(_EXTERNAL) + opaque(self.psk_id) + opaque(self.nonce)


@dataclass(frozen=True, slots=True)
class ResumptionPSK:
    """Names the resumption secret of an epoch of some group."""

    usage: ResumptionUsage
    group_id: bytes
    epoch: int
    nonce: bytes

    def encode(self) -> bytes:
        return (
            uint8(_RESUMPTION)
            + uint8(self.usage)
            + opaque(self.group_id)
            + uint64(self.epoch)
            + opaque(self.nonce)
        )


PreSharedKeyID = ExternalPSK | ResumptionPSK


def read_psk_id(reader: Reader) -> PreSharedKeyID:
    kind = reader.uint8()
    if kind == _EXTERNAL:
        return ExternalPSK(reader.opaque(), reader.opaque())
    if kind == _RESUMPTION:
        usage = _read_usage(reader)
        return ResumptionPSK(usage, reader.opaque(), reader.uint64(), reader.opaque())
    raise DecodeError("psk.type", f"PSK type {kind} is unknown")


def _read_usage(reader: Reader) -> ResumptionUsage:
    value = reader.uint8()
    try:
        return ResumptionUsage(value)
    except ValueError:
        raise DecodeError("psk.usage", f"resumption PSK usage {value} is unknown") from None


def check_psk_ids(psk_ids: Sequence[PreSharedKeyID]) -> None:
    """Nonces of the hash's length, no PSK twice (RFC 9420 §12.1.4, §12.2)."""
    if any(len(psk_id.nonce) != HASH_LENGTH for psk_id in psk_ids):
        raise ValidationError("psk.nonce", "a PSK nonce does not have the hash's length")
    if len(set(psk_ids)) != len(psk_ids):
        raise ValidationError("psk.unique", "a PSK occurs twice")


@dataclass(frozen=True, slots=True)
class PskStore:
    """The pre-shared keys a client has; their values show in no `repr`."""

    external: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes], repr=False)
    resumption: Mapping[tuple[bytes, int], bytes] = field(
        default_factory=dict[tuple[bytes, int], bytes], repr=False
    )
    """By group id and epoch."""

    def with_resumption(self, group_id: bytes, epoch: int, secret: bytes) -> "PskStore":
        """With the secret of a new epoch; those of old epochs of the group are dropped."""
        oldest = epoch - KEPT_RESUMPTION_PSKS
        kept = {
            (group, past): value
            for (group, past), value in self.resumption.items()
            if group != group_id or past > oldest
        }
        return PskStore(self.external, {**kept, (group_id, epoch): secret})

    def encode(self) -> bytes:
        """For storage; holds the secrets."""
        resumption = (
            opaque(group) + uint64(epoch) + opaque(secret)
            for (group, epoch), secret in self.resumption.items()
        )
        external = (opaque(name) + opaque(secret) for name, secret in self.external.items())
        return vector(external) + vector(resumption)

    @classmethod
    def read(cls, reader: Reader) -> "PskStore":
        external = reader.vector(lambda inner: (inner.opaque(), inner.opaque()))
        resumption = reader.vector(lambda inner: ((inner.opaque(), inner.uint64()), inner.opaque()))
        return cls(dict(external), dict(resumption))

    def secret(self, psk_id: PreSharedKeyID) -> bytes:
        if isinstance(psk_id, ExternalPSK):
            found = self.external.get(psk_id.psk_id)
        else:
            found = self.resumption.get((psk_id.group_id, psk_id.epoch))
        if found is None:
            raise MissingSecret("psk.known", "a pre-shared key is not known here")
        return found


def psk_secret(suite: Suite, psk_ids: Sequence[PreSharedKeyID], store: PskStore) -> bytes:
    """All PSKs of a commit in one secret (RFC 9420 §8.4)."""
    secret = NO_SECRET
    for index, psk_id in enumerate(psk_ids):
        label = psk_id.encode() + uint16(index) + uint16(len(psk_ids))
        extracted = suite.extract(NO_SECRET, store.secret(psk_id))
        one = suite.expand_with_label(extracted, b"derived psk", label, HASH_LENGTH)
        secret = suite.extract(one, secret)
    return secret
