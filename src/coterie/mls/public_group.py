"""A group as the public sees it: what the delivery service and verifiers of chains keep.

`stage` judges a commit by everything but secrets and computes the next public state; members call
the same function before they use their secrets.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coterie.mls.codec import Reader, decode, opaque, optional, uint8
from coterie.mls.commits import Commit, UpdatePath
from coterie.mls.errors import DecodeError, ValidationError, WrongEpoch, WrongGroup
from coterie.mls.extensions import Extensions, ExtensionType, find_extension
from coterie.mls.framing import AuthenticatedContent, PublicMessage, Sender, SenderType
from coterie.mls.group_context import GroupContext
from coterie.mls.group_info import GroupInfo
from coterie.mls.hpke import check_public_key
from coterie.mls.key_packages import KeyPackage
from coterie.mls.messages import decode_public_message
from coterie.mls.nodes import LeafNode
from coterie.mls.path_validation import Placed, place_path
from coterie.mls.proposal_list import Applied, SentProposal, apply, check_list
from coterie.mls.proposals import Proposal, ProposalReference, ReInit
from coterie.mls.psk import PreSharedKeyID
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import Suite, suite
from coterie.mls.transcript import confirmed_transcript_hash, interim_transcript_hash
from coterie.mls.tree_validation import check_distinct_keys, check_support, check_tree

_FORMAT = 1

KnownProposals = Mapping[bytes, SentProposal]
"""Proposals received before the commit, by their references."""


@dataclass(frozen=True, slots=True)
class PublicGroup:
    """The public state of one epoch; immutable, so staging a commit changes nothing."""

    suite: Suite = field(repr=False)
    context: GroupContext
    tree: RatchetTree
    confirmation_tag: bytes = field(repr=False)
    interim_transcript_hash: bytes = field(repr=False)
    re_init: ReInit | None = None
    """What the last commit reinitialized the group to: nothing follows (RFC 9420 §11.2)."""

    @classmethod
    def of(
        cls,
        context: GroupContext,
        tree: RatchetTree,
        confirmation_tag: bytes,
        re_init: ReInit | None = None,
    ) -> "PublicGroup":
        """Nothing is verified; the interim transcript hash follows from context and tag."""
        used = suite(context.cipher_suite)
        interim = interim_transcript_hash(used, context.confirmed_transcript_hash, confirmation_tag)
        return cls(used, context, tree, confirmation_tag, interim, re_init)

    @classmethod
    def from_anchor(
        cls, context: bytes, ratchet_tree: bytes, confirmation_tag: bytes
    ) -> "PublicGroup":
        """From a GroupContext one trusts, the bytes of its tree and its confirmation tag.

        Verifies the tree hash, parent hashes and every leaf (RFC 9420 §12.4.3.1); raises
        `DecodeError` or `ValidationError`. No one vouches for the confirmation tag here: a wrong
        one shows at the next epoch, whose transcript hash covers it.
        """
        decoded, tree = GroupContext.decode(context), RatchetTree.decode(ratchet_tree)
        return cls._verified(decoded, tree, confirmation_tag)

    @classmethod
    def from_group_info(cls, group_info: bytes, ratchet_tree: bytes | None = None) -> "PublicGroup":
        """From a GroupInfo and, when that does not hold it, the bytes of the ratchet tree.

        Verifies what `from_anchor` does and the signature by the signer's own leaf.
        """
        return cls.of_group_info(GroupInfo.decode(group_info), ratchet_tree)

    @classmethod
    def of_group_info(cls, info: GroupInfo, ratchet_tree: bytes | None) -> "PublicGroup":
        tree = info.ratchet_tree if ratchet_tree is None else RatchetTree.decode(ratchet_tree)
        if tree is None:
            raise ValidationError("group-info.tree-missing", "there is no ratchet tree")
        info.verify_signer(suite(info.context.cipher_suite), tree)
        return cls._verified(info.context, tree, info.confirmation_tag)

    @classmethod
    def _verified(
        cls, context: GroupContext, tree: RatchetTree, confirmation_tag: bytes
    ) -> "PublicGroup":
        used = suite(context.cipher_suite)
        if tree.tree_hash(used) != context.tree_hash:
            raise ValidationError("tree.hash", "the ratchet tree is not the one of the context")
        check_tree(used, tree, context.group_id, context.extensions)
        return cls.of(context, tree, confirmation_tag)

    @property
    def group_id(self) -> bytes:
        return self.context.group_id

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @property
    def extensions(self) -> Extensions:
        return self.context.extensions

    def encode(self) -> bytes:
        """For storage."""
        return (
            uint8(_FORMAT)
            + opaque(self.context.encoded)
            + opaque(self.confirmation_tag)
            + optional(None if self.re_init is None else self.re_init.content())
            + opaque(self.tree.encode())
        )

    @classmethod
    def decode(cls, data: bytes) -> "PublicGroup":
        """From `encode`'s bytes, which are trusted: only their form is checked."""
        return decode(cls._read, data)

    @classmethod
    def _read(cls, reader: Reader) -> "PublicGroup":
        if reader.uint8() != _FORMAT:
            raise DecodeError("storage.format", "a stored group has an unknown format")
        context = GroupContext.decode(reader.opaque())
        tag, re_init = reader.opaque(), reader.optional(ReInit.read)
        return cls.of(context, RatchetTree.decode(reader.opaque()), tag, re_init)

    def verify_group_info(self, group_info: bytes) -> GroupInfo:
        """A GroupInfo of exactly this epoch, signed by its signer's leaf.

        Whether `external_pub` is true only members can tell: see `Group.verify_group_info`.
        """
        info = GroupInfo.decode(group_info)
        if info.context != self.context:
            raise ValidationError("group-info.context", "a GroupInfo is of another state")
        if not hmac.compare_digest(info.confirmation_tag, self.confirmation_tag):
            raise ValidationError("group-info.tag", "a GroupInfo has another confirmation tag")
        tree = find_extension(info.extensions, ExtensionType.RATCHET_TREE)
        if tree is not None and tree != self.tree.encode():
            raise ValidationError("group-info.tree", "a GroupInfo holds another ratchet tree")
        if info.external_pub is not None:
            check_public_key(info.external_pub)
        info.verify_signer(self.suite, self.tree)
        return info

    def check_place(self, group_id: bytes, epoch: int) -> None:
        """Raises `WrongGroup` or `WrongEpoch` (RFC 9420 §6.1)."""
        if group_id != self.group_id:
            raise WrongGroup("framing.group", "a message is of another group")
        if epoch != self.epoch:
            raise WrongEpoch("framing.epoch", f"a message of epoch {epoch}, not of {self.epoch}")

    def check_open(self) -> None:
        """Refuses commits upon a group that was reinitialized (RFC 9420 §11.2)."""
        if self.re_init is not None:
            raise ValidationError("commit.reinitialized", "the group was reinitialized")

    def member(self, leaf_index: int | None) -> LeafNode:
        """The leaf of a member; whoever has none is refused."""
        leaf = None if leaf_index is None else self.tree.leaf(leaf_index)
        if leaf is None:
            raise ValidationError("sender.member", "the sender is no member")
        return leaf

    def stage(self, commit: bytes) -> "StagedCommit":
        """Judges a commit (MLSMessage with PublicMessage) by all that public state can judge.

        Raises `DecodeError`, `WrongGroup`, `WrongEpoch` or `ValidationError`. Proposals by
        reference are refused. Membership tag, confirmation tag and path secrets are the members'.
        """
        message = decode_public_message(commit)
        return replace(self.stage_content(message.authenticated, {}), message=message)

    def stage_content(
        self, authenticated: AuthenticatedContent, known: KnownProposals
    ) -> "StagedCommit":
        """`stage` for content that is framed in whatever way, with known proposals."""
        framed = authenticated.framed
        self.check_place(framed.group_id, framed.epoch)
        self.check_open()
        commit, tag = framed.content, authenticated.confirmation_tag
        if not isinstance(commit, Commit) or tag is None:
            raise ValidationError("commit.content", "this message is no commit")
        authenticated.verify_signature(
            self.suite, self._committer_key(framed.sender, commit), self.context.encoded
        )
        sent = _resolve(commit, framed.sender, known)
        check_list(framed.sender, sent)
        applied = apply(self.suite, self.tree, self.group_id, self.extensions, sent)
        placed = self._place(framed.sender, applied, commit.path)
        check_distinct_keys(placed.tree)
        check_support(placed.tree, applied.extensions)
        return self._staged(authenticated, tag, sent, applied, placed, commit.path)

    def _committer_key(self, sender: Sender, commit: Commit) -> bytes:
        if sender.kind is SenderType.MEMBER:
            return self.member(sender.leaf_index).signature_key
        if sender.kind is not SenderType.NEW_MEMBER_COMMIT:
            raise ValidationError("commit.sender", "such a sender cannot commit")
        if commit.path is None:
            raise ValidationError("external.path", "an external commit has no path")
        return commit.path.leaf_node.signature_key

    def _place(self, sender: Sender, applied: Applied, path: UpdatePath | None) -> Placed:
        committer = sender.leaf_index
        if path is not None:
            return place_path(self.suite, self.tree, self.group_id, committer, applied, path)
        if applied.path_required or committer is None:
            raise ValidationError("commit.path", "a commit lacks the path it needs")
        return Placed(applied.tree, committer)

    def _staged(
        self,
        authenticated: AuthenticatedContent,
        tag: bytes,
        sent: tuple[SentProposal, ...],
        applied: Applied,
        placed: Placed,
        path: UpdatePath | None,
    ) -> "StagedCommit":
        path_context = self.context.next(placed.tree.tree_hash(self.suite), applied.extensions)
        transcript = confirmed_transcript_hash(
            self.suite, self.interim_transcript_hash, authenticated
        )
        after = PublicGroup.of(
            path_context.confirmed(transcript), placed.tree, tag, applied.re_init
        )
        return StagedCommit(
            before=self.context,
            sender=authenticated.framed.sender.leaf_index,
            authenticated_data=authenticated.framed.authenticated_data,
            proposals=tuple(one.proposal for one in sent),
            adds=applied.adds,
            added=applied.added,
            removes=applied.removes,
            updated=applied.updated,
            group_context_extensions=applied.group_context_extensions,
            psk_ids=applied.psk_ids,
            kem_output=applied.kem_output,
            committer=placed.committer,
            path=path,
            path_context=path_context,
            after=after,
        )


def _resolve(commit: Commit, sender: Sender, known: KnownProposals) -> tuple[SentProposal, ...]:
    return tuple(_resolve_one(item, sender, known) for item in commit.proposals)


def _resolve_one(
    item: Proposal | ProposalReference, sender: Sender, known: KnownProposals
) -> SentProposal:
    if not isinstance(item, ProposalReference):
        return SentProposal(item, sender)
    if sender.kind is SenderType.NEW_MEMBER_COMMIT:
        raise ValidationError("external.by-value", "an external commit refers to a proposal")
    found = known.get(item.reference)
    if found is None:
        raise ValidationError("commit.reference", "a commit refers to an unknown proposal")
    return found


@dataclass(frozen=True, slots=True)
class StagedCommit:
    """A commit that public state found valid, and what it does."""

    before: GroupContext = field(repr=False)
    """Of the epoch it was judged upon."""
    sender: int | None
    """Leaf index of the member that sent it; None for an external commit."""
    authenticated_data: bytes
    proposals: tuple[Proposal, ...]
    adds: tuple[KeyPackage, ...]
    added: tuple[int, ...]
    """Leaf indices in `after.tree`, in the order of `adds`."""
    removes: tuple[int, ...]
    """Leaf indices in the tree before."""
    updated: tuple[int, ...]
    """Leaf indices of members whose Update it commits."""
    group_context_extensions: Extensions | None
    psk_ids: tuple[PreSharedKeyID, ...]
    kem_output: bytes | None = field(repr=False)
    committer: int
    """Leaf index of the committer in `after.tree`."""
    path: UpdatePath | None = field(repr=False)
    path_context: GroupContext = field(repr=False)
    """The GroupContext path secrets are sealed under (RFC 9420 §7.6)."""
    after: PublicGroup
    message: PublicMessage | None = field(default=None, repr=False)
    """What it came in, with the membership tag that members check; None: it is checked."""

    @property
    def external_init(self) -> bool:
        return self.kem_output is not None

    @property
    def path_leaf(self) -> LeafNode | None:
        return None if self.path is None else self.path.leaf_node
