"""Groups that continue another one: reinitialization and branching (RFC 9420 §11.2, §11.3)."""

from collections.abc import Sequence

from coterie.mls.errors import ValidationError
from coterie.mls.psk import PreSharedKeyID, ResumptionPSK, ResumptionUsage
from coterie.mls.public_group import PublicGroup
from coterie.mls.ratchet_tree import RatchetTree

_FIRST_EPOCH = 1  # the creator's Adds make it; nobody joins epoch 0 by Welcome


def check_successor(
    psk_ids: Sequence[PreSharedKeyID], predecessor: PublicGroup | None, joined: PublicGroup
) -> None:
    """Whether a group that calls itself a successor, by its PSKs, is one (§12.4.3.1)."""
    links = [psk_id for psk_id in psk_ids if _is_link(psk_id)]
    if not links:
        return
    if len(links) > 1 or predecessor is None or not isinstance(links[0], ResumptionPSK):
        raise ValidationError("successor.known", "the group continues one that is not given")
    if (links[0].group_id, links[0].epoch) != (predecessor.group_id, predecessor.epoch):
        raise ValidationError("successor.known", "the group continues another epoch or group")
    if joined.epoch != _FIRST_EPOCH:
        raise ValidationError("successor.epoch", "a successor is joined in its first epoch")
    if links[0].usage is ResumptionUsage.REINIT:
        _check_reinitialized(predecessor, joined)
    else:
        _check_branched(predecessor, joined)


def _is_link(psk_id: PreSharedKeyID) -> bool:
    return isinstance(psk_id, ResumptionPSK) and psk_id.usage is not ResumptionUsage.APPLICATION


def _check_reinitialized(old: PublicGroup, new: PublicGroup) -> None:
    announced, context = old.re_init, new.context
    actual = (context.group_id, context.version, context.cipher_suite, context.extensions)
    if announced is None or actual != (
        announced.group_id,
        announced.version,
        announced.cipher_suite,
        announced.extensions,
    ):
        raise ValidationError("successor.reinit", "the group is not the one its ReInit announced")
    if not _members(old.tree) <= _members(new.tree):
        raise ValidationError("successor.members", "a reinitialized group lacks a member")


def _check_branched(old: PublicGroup, new: PublicGroup) -> None:
    if (old.context.version, old.context.cipher_suite) != (
        new.context.version,
        new.context.cipher_suite,
    ):
        raise ValidationError("successor.branch", "a branch has another version or suite")
    if not _members(new.tree) <= _members(old.tree):
        raise ValidationError("successor.members", "a branch has a member of its own")


def _members(tree: RatchetTree) -> set[tuple[int, bytes]]:
    return {(leaf.credential_type, leaf.identity) for _, leaf in tree.leaves()}
