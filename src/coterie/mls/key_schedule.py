"""From the secrets of a commit to all secrets of its epoch (RFC 9420 §8)."""

from dataclasses import dataclass, field, fields

from coterie.mls import hpke
from coterie.mls.codec import Reader
from coterie.mls.suites import HASH_LENGTH, Suite


@dataclass(frozen=True, slots=True)
class EpochSecrets:
    """The secrets of one epoch, 32 bytes each; none shows in `repr`.

    `encryption_secret` is not among them: it is spent on the secret tree.
    """

    sender_data_secret: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)
    external_secret: bytes = field(repr=False)
    confirmation_key: bytes = field(repr=False)
    membership_key: bytes = field(repr=False)
    resumption_psk: bytes = field(repr=False)
    epoch_authenticator: bytes = field(repr=False)
    init_secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, suite: Suite, epoch_secret: bytes) -> "EpochSecrets":
        return cls(*(suite.derive_secret(epoch_secret, label) for label in _LABELS))

    @classmethod
    def read(cls, reader: Reader) -> "EpochSecrets":
        return cls(*(reader.take(HASH_LENGTH) for _ in fields(cls)))

    def encode(self) -> bytes:
        return b"".join(getattr(self, one.name) for one in fields(self))

    def confirmation_tag(self, suite: Suite, confirmed_transcript_hash: bytes) -> bytes:
        return suite.mac(self.confirmation_key, confirmed_transcript_hash)

    def external_key_pair(self) -> tuple[bytes, bytes]:
        """(external_priv, external_pub) for external commits (RFC 9420 §8.3)."""
        return hpke.derive_key_pair(self.external_secret)

    def export(self, suite: Suite, label: bytes, context: bytes, length: int) -> bytes:
        """MLS-Exporter (RFC 9420 §8.5)."""
        secret = suite.derive_secret(self.exporter_secret, label)
        return suite.expand_with_label(secret, b"exported", suite.hash(context), length)


_LABELS = (
    b"sender data",
    b"exporter",
    b"external",
    b"confirm",
    b"membership",
    b"resumption",
    b"authentication",
    b"init",
)


@dataclass(frozen=True, slots=True)
class JoinerSecrets:
    """What a joiner is given and what follows from it before the GroupContext is known."""

    joiner_secret: bytes = field(repr=False)
    _intermediate: bytes = field(repr=False)

    @classmethod
    def of_commit(
        cls, suite: Suite, init_secret: bytes, commit_secret: bytes, psk: bytes, context: bytes
    ) -> "JoinerSecrets":
        extracted = suite.extract(init_secret, commit_secret)
        joiner = suite.expand_with_label(extracted, b"joiner", context, HASH_LENGTH)
        return cls.of_joiner(suite, joiner, psk)

    @classmethod
    def of_joiner(cls, suite: Suite, joiner_secret: bytes, psk: bytes) -> "JoinerSecrets":
        return cls(joiner_secret, suite.extract(joiner_secret, psk))

    def welcome_secret(self, suite: Suite) -> bytes:
        return suite.derive_secret(self._intermediate, b"welcome")

    def epoch_secret(self, suite: Suite, context: bytes) -> bytes:
        return suite.expand_with_label(self._intermediate, b"epoch", context, HASH_LENGTH)


def encryption_secret(suite: Suite, epoch_secret: bytes) -> bytes:
    """The root of the secret tree."""
    return suite.derive_secret(epoch_secret, b"encryption")
