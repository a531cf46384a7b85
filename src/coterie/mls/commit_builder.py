"""Making a commit: proposals, path, signature, key schedule (RFC 9420 §12.4.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coterie.mls import hpke, tree_math
from coterie.mls.commits import Commit, UpdatePath
from coterie.mls.framing import (
    AuthenticatedContent,
    FramedContent,
    PublicMessage,
    Sender,
    SenderType,
    WireFormat,
)
from coterie.mls.group_context import GroupContext
from coterie.mls.key_schedule import EpochSecrets, JoinerSecrets
from coterie.mls.nodes import LeafNode
from coterie.mls.proposal_list import Applied, SentProposal, apply, check_list
from coterie.mls.proposals import Proposal, ProposalReference
from coterie.mls.psk import PskStore, psk_secret
from coterie.mls.public_group import PublicGroup
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import NO_SECRET, Suite
from coterie.mls.transcript import confirmed_transcript_hash
from coterie.mls.tree_kem import PathSecrets
from coterie.mls.tree_validation import check_distinct_keys, check_support


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits, and upon which epoch."""

    public: PublicGroup
    sender: Sender
    leaf: LeafNode
    """Whose identity, capabilities and extensions the path's leaf takes over."""
    signature_private: bytes = field(repr=False)
    init_secret: bytes = field(repr=False)
    psks: PskStore = field(repr=False)

    @property
    def suite(self) -> Suite:
        return self.public.suite


@dataclass(frozen=True, slots=True)
class NewPath:
    """The author's fresh keys, and the tree with their public halves in it."""

    tree: RatchetTree
    committer: int
    secrets: PathSecrets | None = field(default=None, repr=False)
    leaf: LeafNode | None = None
    leaf_private: bytes | None = field(default=None, repr=False)

    @property
    def commit_secret(self) -> bytes:
        return NO_SECRET if self.secrets is None else self.secrets.commit_secret

    def private_keys(self) -> Mapping[int, bytes]:
        if self.secrets is None or self.leaf_private is None:
            return {}
        return {2 * self.committer: self.leaf_private, **self.secrets.keys_by_node()}

    def secret_for(self, leaf_index: int) -> bytes | None:
        """The path secret a new member's Welcome carries."""
        if self.secrets is None:
            return None
        node = tree_math.common_ancestor(2 * self.committer, 2 * leaf_index)
        return self.secrets.secret_for(node)


@dataclass(frozen=True, slots=True)
class BuiltCommit:
    authenticated: AuthenticatedContent
    applied: Applied
    path: NewPath
    joiner: JoinerSecrets = field(repr=False)
    epoch_secret: bytes = field(repr=False)
    after: PublicGroup

    def message(self, membership_key: bytes | None, context: bytes) -> bytes:
        """As PublicMessage; `context` and key are those of the epoch it is sent in."""
        suite = self.after.suite
        tag = (
            None
            if membership_key is None
            else self.authenticated.membership_tag(suite, membership_key, context)
        )
        return PublicMessage(self.authenticated, tag).encode()


CommittedProposal = Proposal | tuple[ProposalReference, SentProposal]
"""A proposal by value, or one received before together with its reference."""


def build_commit(
    author: Author,
    proposals: Sequence[CommittedProposal],
    *,
    authenticated_data: bytes,
    force_path: bool = False,
    now: int | None = None,
) -> BuiltCommit:
    """A signed and confirmed commit with all it leads to; raises `ValidationError`.

    `now` judges the lifetimes of added key packages, in seconds since 1970.
    """
    sent = [_sent(item, author.sender) for item in proposals]
    author.public.check_open()
    check_list(author.sender, sent)
    public, suite = author.public, author.suite
    applied = apply(suite, public.tree, public.group_id, public.extensions, sent, now)
    path = _new_path(author, applied, needed=applied.path_required or force_path)
    check_distinct_keys(path.tree)
    check_support(path.tree, applied.extensions)
    context = public.context.next(path.tree.tree_hash(suite), applied.extensions)
    sealed = _seal_path(suite, path, applied, context)
    commit = Commit(tuple(_item(item) for item in proposals), sealed)
    signed = _sign(author, commit, authenticated_data)
    return _confirm(author, signed, applied, path, context)


def _sent(item: CommittedProposal, sender: Sender) -> SentProposal:
    return item[1] if isinstance(item, tuple) else SentProposal(item, sender)


def _item(item: CommittedProposal) -> Proposal | ProposalReference:
    return item[0] if isinstance(item, tuple) else item


def _new_path(author: Author, applied: Applied, *, needed: bool) -> NewPath:
    suite, tree, committer = author.suite, applied.tree, author.sender.index
    if committer is None:
        tree, (committer,) = tree.added([author.leaf])
    if not needed:
        return NewPath(tree, committer)
    secrets = PathSecrets.generate(suite, tree, committer)
    tree, parent_hash = tree.with_path(suite, committer, secrets.public_keys)
    leaf_private, leaf_public = hpke.generate_key_pair()
    leaf = LeafNode.sign(
        suite,
        author.signature_private,
        encryption_key=leaf_public,
        identity=author.leaf.identity,
        capabilities=author.leaf.capabilities,
        extensions=author.leaf.extensions,
        parent_hash=parent_hash,
        place=(author.public.group_id, committer),
    )
    return NewPath(tree.with_leaf(committer, leaf), committer, secrets, leaf, leaf_private)


def _seal_path(
    suite: Suite, path: NewPath, applied: Applied, context: GroupContext
) -> UpdatePath | None:
    if path.secrets is None or path.leaf is None:
        return None
    return path.secrets.seal(
        suite, path.tree, path.committer, path.leaf, applied.added, context.encoded
    )


def _sign(author: Author, commit: Commit, authenticated_data: bytes) -> AuthenticatedContent:
    public = author.public
    framed = FramedContent.of(
        public.group_id, public.epoch, author.sender, authenticated_data, commit
    )
    return AuthenticatedContent.sign(
        author.suite,
        WireFormat.PUBLIC_MESSAGE,
        framed,
        public.context.encoded,
        author.signature_private,
    )


def _confirm(
    author: Author,
    signed: AuthenticatedContent,
    applied: Applied,
    path: NewPath,
    path_context: GroupContext,
) -> BuiltCommit:
    """Transcript hash, key schedule and confirmation tag (RFC 9420 §8)."""
    suite = author.suite
    transcript = confirmed_transcript_hash(suite, author.public.interim_transcript_hash, signed)
    context = path_context.confirmed(transcript)
    psk = psk_secret(suite, applied.psk_ids, author.psks)
    joiner = JoinerSecrets.of_commit(
        suite, author.init_secret, path.commit_secret, psk, context.encoded
    )
    epoch_secret = joiner.epoch_secret(suite, context.encoded)
    tag = EpochSecrets.derive(suite, epoch_secret).confirmation_tag(suite, transcript)
    after = PublicGroup.of(context, path.tree, tag, applied.re_init)
    return BuiltCommit(signed.confirmed(tag), applied, path, joiner, epoch_secret, after)


EXTERNAL_COMMITTER = Sender(SenderType.NEW_MEMBER_COMMIT)
