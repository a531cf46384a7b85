"""A group as a member sees it: the public state with the secrets of its epoch.

A `Group` is an immutable value. Whatever advances it returns the next one, so a message that is
refused changes nothing, and the caller decides when a state is adopted.
"""

import secrets as randomness
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from coterie.mls import hpke
from coterie.mls.codec import Reader, decode, opaque, optional
from coterie.mls.commit_builder import (
    EXTERNAL_COMMITTER,
    Author,
    BuiltCommit,
    CommittedProposal,
    build_commit,
)
from coterie.mls.commits import Commit
from coterie.mls.errors import DecodeError, SecretError, ValidationError
from coterie.mls.extensions import Extension, ExtensionType, check_group_extensions
from coterie.mls.framing import (
    AuthenticatedContent,
    Content,
    FramedContent,
    PublicMessage,
    Sender,
    WireFormat,
)
from coterie.mls.group_context import GroupContext
from coterie.mls.group_info import GroupInfo
from coterie.mls.joining import open_welcome
from coterie.mls.key_packages import KeyPackage, KeyPackageSecrets
from coterie.mls.key_schedule import EpochSecrets
from coterie.mls.limits import MAX_COMMIT_BYTES
from coterie.mls.member_state import MemberState
from coterie.mls.messages import decode_message
from coterie.mls.nodes import Capabilities, LeafNode
from coterie.mls.private_message import PrivateMessage
from coterie.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ProposalReference,
    Remove,
)
from coterie.mls.psk import PreSharedKeyID, PskStore
from coterie.mls.public_group import PublicGroup, StagedCommit
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.receiving import receive_private, receive_public, receive_staged
from coterie.mls.suites import HASH_LENGTH, Suite
from coterie.mls.tree_validation import check_support
from coterie.mls.welcome import GroupSecrets, Welcome

_NO_PSKS = PskStore()


@dataclass(frozen=True, slots=True)
class Group:
    """One member's state in one epoch; secrets show in no `repr`."""

    _state: MemberState

    @classmethod
    def create(
        cls,
        suite: Suite,
        group_id: bytes,
        secrets: KeyPackageSecrets,
        extensions: Sequence[Extension] = (),
    ) -> "Group":
        """Epoch 0 with one leaf, that of the key package (RFC 9420 §11)."""
        secrets.package.validate(suite)
        check_group_extensions(extensions)
        tree = RatchetTree.of_leaf(secrets.package.leaf_node)
        check_support(tree, tuple(extensions))
        context = GroupContext.initial(suite, group_id, tree.tree_hash(suite), tuple(extensions))
        epoch_secret = randomness.token_bytes(HASH_LENGTH)
        tag = EpochSecrets.derive(suite, epoch_secret).confirmation_tag(suite, b"")
        public, keys = PublicGroup.of(context, tree, tag), {0: secrets.encryption_private}
        signer = secrets.signature_private
        return cls(MemberState.enter(public, 0, signer, keys, epoch_secret, _NO_PSKS))

    @classmethod
    def join(
        cls,
        suite: Suite,
        welcome: bytes,
        secrets: KeyPackageSecrets,
        ratchet_tree: bytes | None = None,
        external_psks: Mapping[bytes, bytes] | None = None,
        predecessor: "Group | None" = None,
    ) -> "Group":
        """By Welcome (MLSMessage); `ratchet_tree` when the Welcome does not hold it.

        `external_psks` are secrets by their ids. `predecessor` is the state of the group this one
        reinitializes or branches from; without it, such a Welcome is refused.
        Raises `MissingSecret` (not for this package, or a PSK unknown), `SecretError`,
        `DecodeError` or `ValidationError`.
        """
        known = _NO_PSKS if predecessor is None else predecessor._state.psks
        psks = PskStore(external_psks or {}, known.resumption)
        old = None if predecessor is None else predecessor.public
        return cls(open_welcome(suite, welcome, secrets, ratchet_tree, psks, old))

    @classmethod
    def join_externally(
        cls,
        group_info: bytes,
        identity: bytes,
        signature_private: bytes,
        *,
        capabilities: Capabilities,
        leaf_extensions: Sequence[Extension] = (),
        authenticated_data: bytes | Callable[[GroupContext], bytes] = b"",
        removes: Sequence[int] = (),
        ratchet_tree: bytes | None = None,
        followed: PublicGroup | None = None,
    ) -> "PendingCommit":
        """An external commit upon a GroupInfo with external_pub (RFC 9420 §12.4.3.2).

        `removes` names the own old leaf, when there is one. `authenticated_data` may be computed
        from the GroupContext joined. Who has `followed` the group in public up to this epoch need
        not verify the tree again; the GroupInfo has to be of exactly that state. Raises
        `DecodeError` or `ValidationError`.
        """
        if followed is None:
            info = GroupInfo.decode(group_info)
            public = PublicGroup.of_group_info(info, ratchet_tree)
        else:
            info, public = followed.verify_group_info(group_info), followed
        if info.external_pub is None:
            raise ValidationError("external.pub", "a GroupInfo offers no external commits")
        kem_output, init_secret = public.suite.external_init_sender(info.external_pub)
        leaf = _passing_leaf(
            public.suite, identity, signature_private, capabilities, leaf_extensions
        )
        author = Author(public, EXTERNAL_COMMITTER, leaf, signature_private, init_secret, _NO_PSKS)
        if callable(authenticated_data):
            authenticated_data = authenticated_data(public.context)
        proposals = [ExternalInit(kem_output), *map(Remove, removes)]
        built = build_commit(author, proposals, authenticated_data=authenticated_data)
        following = MemberState.after_own_commit(author, built, {})
        return PendingCommit(built.message(None, b""), None, cls(following))

    @property
    def public(self) -> PublicGroup:
        return self._state.public

    @property
    def suite(self) -> Suite:
        return self.public.suite

    @property
    def group_id(self) -> bytes:
        return self.public.group_id

    @property
    def epoch(self) -> int:
        return self.public.epoch

    @property
    def own_leaf(self) -> int:
        """The own leaf index."""
        return self._state.own_leaf

    @property
    def epoch_authenticator(self) -> bytes:
        """Equal for all members that agree on this epoch (RFC 9420 §8.7)."""
        return self._state.secrets.epoch_authenticator

    def export(self, label: str | bytes, context: bytes, length: int) -> bytes:
        """MLS-Exporter (RFC 9420 §8.5)."""
        label = label.encode() if isinstance(label, str) else label
        return self._state.secrets.export(self.suite, label, context, length)

    def group_info(self, *, with_tree: bool = True, with_external_pub: bool = True) -> bytes:
        """A GroupInfo of this epoch (MLSMessage), signed with the own key."""
        return self._group_info(with_tree, with_external_pub).encoded

    def _group_info(self, with_tree: bool, with_external_pub: bool) -> GroupInfo:
        extensions: list[Extension] = []
        if with_tree:
            extensions.append((ExtensionType.RATCHET_TREE, self.public.tree.encode()))
        if with_external_pub:
            extensions.append((ExtensionType.EXTERNAL_PUB, opaque(self._external_pub())))
        return GroupInfo.sign(
            self.suite,
            self._state.signature_private,
            self.public.context,
            tuple(extensions),
            self.public.confirmation_tag,
            self.own_leaf,
        )

    def _external_pub(self) -> bytes:
        _, public = self._state.secrets.external_key_pair()
        return public

    def verify_group_info(self, group_info: bytes) -> GroupInfo:
        """`PublicGroup.verify_group_info`, and that `external_pub` is the true one."""
        info = self.public.verify_group_info(group_info)
        if info.external_pub not in (None, self._external_pub()):
            raise SecretError("group-info.external-pub", "a GroupInfo has a false external_pub")
        return info

    def with_external_psks(self, external_psks: Mapping[bytes, bytes]) -> "Group":
        """The same state, knowing these secrets (by their ids) for commits that use them."""
        psks = PskStore({**self._state.psks.external, **external_psks}, self._state.psks.resumption)
        return Group(replace(self._state, psks=psks))

    def commit(
        self,
        *,
        adds: Sequence[KeyPackage] = (),
        removes: Sequence[int] = (),
        group_context_extensions: Sequence[Extension] | None = None,
        psks: Sequence[PreSharedKeyID] = (),
        references: Sequence[bytes] = (),
        authenticated_data: bytes = b"",
        force_path: bool = False,
        with_tree_in_welcome: bool = False,
        now: int | None = None,
    ) -> "PendingCommit":
        """A commit upon this epoch, as PublicMessage, with proposals by value.

        `references` names proposals received in this epoch to be committed too. `now` (seconds
        since 1970, default the clock) judges the lifetimes of `adds`. Raises `ValidationError`.
        """
        values: list[CommittedProposal] = [
            (ProposalReference(reference), self._state.proposal(reference))
            for reference in references
        ]
        if group_context_extensions is not None:
            values.append(GroupContextExtensions(tuple(group_context_extensions)))
        values += [*map(PreSharedKey, psks), *map(Remove, removes), *map(Add, adds)]
        author = self._state.author()
        built = build_commit(
            author,
            values,
            authenticated_data=authenticated_data,
            force_path=force_path,
            now=int(time.time()) if now is None else now,
        )
        key, context = self._state.secrets.membership_key, self.public.context.encoded
        following = Group(MemberState.after_own_commit(author, built, self._state.private_keys))
        welcome = following._welcome(built, with_tree_in_welcome)
        return PendingCommit(built.message(key, context), welcome, following)

    def _welcome(self, built: BuiltCommit, with_tree: bool) -> bytes | None:
        """For those whom the commit that led to this epoch added."""
        applied, joiner = built.applied, built.joiner
        if not applied.adds:
            return None
        recipients = [
            (
                package,
                GroupSecrets(joiner.joiner_secret, built.path.secret_for(leaf), applied.psk_ids),
            )
            for package, leaf in zip(applied.adds, applied.added, strict=True)
        ]
        info = self._group_info(with_tree, with_external_pub=False)
        secret = joiner.welcome_secret(self.suite)
        return Welcome.seal(self.suite, info, secret, recipients).encoded

    def protect(
        self, data: bytes, authenticated_data: bytes = b"", padding: int = 0
    ) -> "tuple[bytes, Group]":
        """Application data as PrivateMessage, and the state without the key it used."""
        framed = FramedContent.of(
            self.group_id, self.epoch, Sender.member(self.own_leaf), authenticated_data, data
        )
        content = AuthenticatedContent.sign(
            self.suite,
            WireFormat.PRIVATE_MESSAGE,
            framed,
            self.public.context.encoded,
            self._state.signature_private,
        )
        secret, tree = self._state.secrets.sender_data_secret, self._state.secret_tree
        message, tree = PrivateMessage.seal(self.suite, secret, tree, content, padding)
        return message.encode(), Group(replace(self._state, secret_tree=tree))

    def process(self, commit: bytes) -> "Group":
        """The next epoch, by somebody else's commit.

        Raises `DecodeError`, `WrongGroup`, `WrongEpoch`, `ValidationError` (all would refuse it),
        `SecretError` (its secret half is wrong), `MissingSecret` (a PSK is unknown) or `Removed`.
        The own commit is adopted with `PendingCommit.group` instead.
        """
        received = self.process_message(commit)
        if not isinstance(received.content, Commit):
            raise ValidationError("commit.content", "this message is no commit")
        return received.group

    def process_staged(self, staged: StagedCommit) -> "Group":
        """`process` for a commit that `public.stage` has judged already, in this very epoch.

        Raises `WrongEpoch`, `SecretError`, `MissingSecret`, `Removed`; `ValidationError` for an
        own commit.
        """
        return Group(receive_staged(self._state, staged))

    def process_message(self, message: bytes) -> "Received":
        """Any message of this epoch: a commit, a proposal, application data. As `process`."""
        decoded = decode_message(message, MAX_COMMIT_BYTES)
        if isinstance(decoded, PublicMessage):
            content, state = receive_public(self._state, decoded)
        elif isinstance(decoded, PrivateMessage):
            content, state = receive_private(self._state, decoded)
        else:
            raise DecodeError("framing.wire-format", "such a message is not sent within a group")
        framed = content.framed
        reference = content.proposal_reference(self.suite)
        return Received(
            Group(state), framed.sender, framed.authenticated_data, framed.content, reference
        )

    def encode(self) -> bytes:
        """Everything, secrets included, for storage."""
        return self._state.encode()

    @classmethod
    def decode(cls, data: bytes) -> "Group":
        """From `encode`'s bytes, which are trusted; raises `DecodeError`."""
        return cls(MemberState.decode(data))


def _passing_leaf(
    suite: Suite,
    identity: bytes,
    signature_private: bytes,
    capabilities: Capabilities,
    extensions: Sequence[Extension],
) -> LeafNode:
    """Holds a joiner's place, identity and capabilities until the path brings the true leaf."""
    _, encryption_key = hpke.generate_key_pair()
    return LeafNode.sign(
        suite,
        signature_private,
        encryption_key=encryption_key,
        identity=identity,
        capabilities=capabilities,
        extensions=extensions,
        lifetime=(0, 0),
    )


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was accepted, and the state after it."""

    group: Group
    sender: Sender
    authenticated_data: bytes
    content: Content
    reference: bytes
    """ProposalRef, when the content is a proposal."""


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """An own commit. `group` is adopted once the delivery service has ordered `commit`."""

    commit: bytes = field(repr=False)
    """MLSMessage with PublicMessage."""
    welcome: bytes | None = field(repr=False)
    """MLSMessage with the Welcome for all who are added; None when nobody is."""
    group: Group

    def encode(self) -> bytes:
        """Everything, secrets included, for storage."""
        welcome = None if self.welcome is None else opaque(self.welcome)
        return opaque(self.commit) + optional(welcome) + opaque(self.group.encode())

    @classmethod
    def decode(cls, data: bytes) -> "PendingCommit":
        """From `encode`'s bytes, which are trusted; raises `DecodeError`."""
        return decode(cls._read, data)

    @classmethod
    def _read(cls, reader: Reader) -> "PendingCommit":
        commit, welcome = reader.opaque(), reader.optional(Reader.opaque)
        return cls(commit, welcome, Group.decode(reader.opaque()))
