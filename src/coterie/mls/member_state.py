"""What a member holds in one epoch: the public state, its keys and the epoch's secrets."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from coterie.mls.codec import Reader, decode, opaque, uint8, uint32, vector
from coterie.mls.commit_builder import Author, BuiltCommit
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.framing import Sender
from coterie.mls.key_schedule import EpochSecrets, encryption_secret
from coterie.mls.proposal_list import SentProposal
from coterie.mls.proposals import read_proposal
from coterie.mls.psk import PskStore
from coterie.mls.public_group import PublicGroup
from coterie.mls.secret_tree import SecretTree
from coterie.mls.tree_kem import PrivateKeys, still_valid

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class MemberState:
    """Immutable; secrets show in no `repr`."""

    public: PublicGroup
    own_leaf: int
    signature_private: bytes = field(repr=False)
    private_keys: PrivateKeys = field(repr=False)
    secrets: EpochSecrets = field(repr=False)
    secret_tree: SecretTree = field(repr=False)
    psks: PskStore = field(repr=False)
    proposals: Mapping[bytes, SentProposal] = field(
        default_factory=dict[bytes, SentProposal], repr=False
    )
    """Received in this epoch, by reference."""

    @classmethod
    def enter(
        cls,
        public: PublicGroup,
        own_leaf: int,
        signature_private: bytes,
        private_keys: PrivateKeys,
        epoch_secret: bytes,
        psks: PskStore,
    ) -> "MemberState":
        """The beginning of an epoch."""
        secrets = EpochSecrets.derive(public.suite, epoch_secret)
        root = encryption_secret(public.suite, epoch_secret)
        return cls(
            public,
            own_leaf,
            signature_private,
            private_keys,
            secrets,
            SecretTree.of(root, public.tree.width),
            psks.with_resumption(public.group_id, public.epoch, secrets.resumption_psk),
        )

    @classmethod
    def after_own_commit(
        cls, author: Author, built: BuiltCommit, keys: PrivateKeys
    ) -> "MemberState":
        """The epoch an own commit leads to; `keys` are those of the epoch before."""
        kept = still_valid(keys, author.public.tree, built.after.tree)
        return cls.enter(
            built.after,
            built.path.committer,
            author.signature_private,
            {**kept, **built.path.private_keys()},
            built.epoch_secret,
            author.psks,
        )

    def is_confirmed(self) -> bool:
        """Whether the epoch's confirmation tag is the one its secrets make (RFC 9420 §6.1)."""
        expected = self.secrets.confirmation_tag(
            self.public.suite, self.public.context.confirmed_transcript_hash
        )
        return hmac.compare_digest(expected, self.public.confirmation_tag)

    def author(self) -> Author:
        """This member as one who commits upon this epoch."""
        return Author(
            self.public,
            Sender.member(self.own_leaf),
            self.public.member(self.own_leaf),
            self.signature_private,
            self.secrets.init_secret,
            self.psks,
        )

    def proposal(self, reference: bytes) -> SentProposal:
        found = self.proposals.get(reference)
        if found is None:
            raise ValidationError("commit.reference", "a commit refers to an unknown proposal")
        return found

    def encode(self) -> bytes:
        """For storage; holds every secret."""
        keys = vector(uint32(node) + opaque(key) for node, key in self.private_keys.items())
        proposals = vector(
            opaque(reference) + sent.sender.encode() + sent.proposal.encode()
            for reference, sent in self.proposals.items()
        )
        return (
            uint8(_FORMAT)
            + opaque(self.public.encode())
            + uint32(self.own_leaf)
            + opaque(self.signature_private)
            + keys
            + self.secrets.encode()
            + self.secret_tree.encode()
            + self.psks.encode()
            + proposals
        )

    @classmethod
    def decode(cls, data: bytes) -> "MemberState":
        """From `encode`'s bytes, which are trusted: only their form is checked."""
        return decode(cls._read, data)

    @classmethod
    def _read(cls, reader: Reader) -> "MemberState":
        if reader.uint8() != _FORMAT:
            raise DecodeError("storage.format", "a stored group has an unknown format")
        return cls(
            PublicGroup.decode(reader.opaque()),
            reader.uint32(),
            reader.opaque(),
            dict(reader.vector(lambda inner: (inner.uint32(), inner.opaque()))),
            EpochSecrets.read(reader),
            SecretTree.read(reader),
            PskStore.read(reader),
            dict(reader.vector(_read_proposal)),
        )


def _read_proposal(reader: Reader) -> tuple[bytes, SentProposal]:
    reference, sender = reader.opaque(), Sender.read(reader)
    return reference, SentProposal(read_proposal(reader), sender)
