"""Which proposals may stand together in a commit, and what they do (RFC 9420 §12.2, §12.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from coterie.mls.errors import ValidationError
from coterie.mls.extensions import Extensions, check_group_extensions
from coterie.mls.framing import Sender, SenderType
from coterie.mls.hpke import check_public_key
from coterie.mls.key_packages import KeyPackage
from coterie.mls.nodes import LeafNodeSource
from coterie.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Update,
)
from coterie.mls.psk import PreSharedKeyID, ResumptionPSK, ResumptionUsage, check_psk_ids
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import PROTOCOL_VERSION, Suite
from coterie.mls.tree_validation import check_new_leaf

_PATH_NEEDED = (Update, Remove, ExternalInit, GroupContextExtensions)
_EXTERNAL_SENDER_MAY = (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions)
_EXTERNAL_COMMIT_MAY = (ExternalInit, Remove, PreSharedKey)


@dataclass(frozen=True, slots=True)
class SentProposal:
    proposal: Proposal
    sender: Sender


@dataclass(frozen=True, slots=True)
class Applied:
    """What a commit's proposals make of the tree and the extensions, before its path."""

    tree: RatchetTree
    extensions: Extensions
    adds: tuple[KeyPackage, ...]
    added: tuple[int, ...]
    """Leaf indices, in the order of `adds`."""
    removes: tuple[int, ...]
    updated: tuple[int, ...]
    group_context_extensions: Extensions | None
    psk_ids: tuple[PreSharedKeyID, ...]
    kem_output: bytes | None
    """Of the ExternalInit, in an external commit."""
    re_init: ReInit | None
    path_required: bool


def _needs_path(proposals: Sequence[Proposal]) -> bool:
    """RFC 9420 §12.4: commits of nothing, or of more than Add, PreSharedKey and ReInit."""
    return not proposals or any(isinstance(proposal, _PATH_NEEDED) for proposal in proposals)


def check_sender(sent: SentProposal) -> None:
    """Whether this kind of sender may make such a proposal, alone (RFC 9420 §12.1.8)."""
    proposal, kind = sent.proposal, sent.sender.kind
    if kind is SenderType.EXTERNAL and not isinstance(proposal, _EXTERNAL_SENDER_MAY):
        raise ValidationError("proposal.external", "an external sender may not propose this")
    if isinstance(proposal, ReInit) and proposal.version < PROTOCOL_VERSION:
        raise ValidationError("proposal.reinit-version", "a ReInit lowers the version")
    if isinstance(proposal, PreSharedKey):
        _check_proposed_psk(proposal.psk_id)


def _check_proposed_psk(psk_id: PreSharedKeyID) -> None:
    """ReInit and branch secrets belong into the Welcome of a new group (RFC 9420 §12.1.4)."""
    if isinstance(psk_id, ResumptionPSK) and psk_id.usage is not ResumptionUsage.APPLICATION:
        raise ValidationError("proposal.psk-usage", "a proposed PSK is for another kind of group")
    check_psk_ids((psk_id,))


def check_list(sender: Sender, sent: Sequence[SentProposal]) -> None:
    """Whether this sender may commit these proposals together; raises `ValidationError`."""
    if sender.leaf_index is None:
        _check_external_list([one.proposal for one in sent])
    else:
        _check_member_list(sent, sender.leaf_index)
    for one in sent:
        check_sender(one)


def _check_member_list(sent: Sequence[SentProposal], committer: int) -> None:
    """RFC 9420 §12.2 for a commit by a member."""
    proposals = [one.proposal for one in sent]
    if any(isinstance(proposal, ExternalInit) for proposal in proposals):
        raise ValidationError("list.external-init", "a member's commit holds an ExternalInit")
    if any(isinstance(one.proposal, Update) and one.sender.index == committer for one in sent):
        raise ValidationError("list.own-update", "a committer commits its own Update")
    if Remove(committer) in proposals:
        raise ValidationError("list.own-remove", "a committer removes itself")
    if len(proposals) > 1 and any(isinstance(proposal, ReInit) for proposal in proposals):
        raise ValidationError("list.reinit-alone", "a ReInit stands beside other proposals")
    if sum(isinstance(proposal, GroupContextExtensions) for proposal in proposals) > 1:
        raise ValidationError("list.one-extensions", "two GroupContextExtensions in one commit")
    _check_leaves_once(sent)
    _check_psks_once(proposals)


def _check_leaves_once(sent: Sequence[SentProposal]) -> None:
    touched = [
        one.proposal.removed if isinstance(one.proposal, Remove) else one.sender.index
        for one in sent
        if isinstance(one.proposal, Update | Remove)
    ]
    if len(set(touched)) != len(touched):
        raise ValidationError("list.leaf-once", "two Updates or Removes of one leaf")


def _check_psks_once(proposals: Sequence[Proposal]) -> None:
    psk_ids = [proposal.psk_id for proposal in proposals if isinstance(proposal, PreSharedKey)]
    check_psk_ids(psk_ids)


def _check_external_list(proposals: Sequence[Proposal]) -> None:
    """RFC 9420 §12.2 for an external commit."""
    inits = [proposal for proposal in proposals if isinstance(proposal, ExternalInit)]
    if len(inits) != 1:
        raise ValidationError("external.init", "an external commit holds one ExternalInit")
    if sum(isinstance(proposal, Remove) for proposal in proposals) > 1:
        raise ValidationError("external.one-remove", "an external commit removes two leaves")
    if not all(isinstance(proposal, _EXTERNAL_COMMIT_MAY) for proposal in proposals):
        raise ValidationError("external.kinds", "such a proposal may not stand in external commits")
    check_public_key(inits[0].kem_output)
    _check_psks_once(proposals)


def apply(
    suite: Suite,
    tree: RatchetTree,
    group_id: bytes,
    extensions: Extensions,
    sent: Sequence[SentProposal],
    now: int | None = None,
) -> Applied:
    """Applies a checked list in the order of RFC 9420 §12.3.

    `now` is given by whoever adds, and checks the lifetime of added key packages.
    """
    proposals = [one.proposal for one in sent]
    new_extensions = _new_extensions(proposals)
    removes = tuple(one.removed for one in proposals if isinstance(one, Remove))
    adds = tuple(one.key_package for one in proposals if isinstance(one, Add))
    tree, updated = _apply_updates(suite, tree, group_id, sent)
    tree = tree.removed(removes) if removes else tree
    for package in adds:
        package.validate(suite, now)
    added: tuple[int, ...] = ()
    if adds:
        tree, added = tree.added([package.leaf_node for package in adds])
    return Applied(
        tree=tree,
        extensions=extensions if new_extensions is None else new_extensions,
        adds=adds,
        added=added,
        removes=removes,
        updated=updated,
        group_context_extensions=new_extensions,
        psk_ids=tuple(one.psk_id for one in proposals if isinstance(one, PreSharedKey)),
        kem_output=next(
            (one.kem_output for one in proposals if isinstance(one, ExternalInit)), None
        ),
        re_init=next((one for one in proposals if isinstance(one, ReInit)), None),
        path_required=_needs_path(proposals),
    )


def _new_extensions(proposals: Sequence[Proposal]) -> Extensions | None:
    for proposal in proposals:
        if isinstance(proposal, GroupContextExtensions):
            check_group_extensions(proposal.extensions)
            return proposal.extensions
    return None


def _apply_updates(
    suite: Suite, tree: RatchetTree, group_id: bytes, sent: Sequence[SentProposal]
) -> tuple[RatchetTree, tuple[int, ...]]:
    updated: list[int] = []
    for one in sent:
        leaf_index = one.sender.leaf_index
        if not isinstance(one.proposal, Update) or leaf_index is None:
            continue
        leaf = one.proposal.leaf_node
        if leaf.source is not LeafNodeSource.UPDATE:
            raise ValidationError("update.source", "an Update's leaf was not made for it")
        check_new_leaf(suite, leaf, group_id, leaf_index, tree.leaf(leaf_index))
        tree = tree.updated(leaf_index, leaf)
        updated.append(leaf_index)
    return tree, tuple(updated)
