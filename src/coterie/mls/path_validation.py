"""The public half of an update path: its place in the tree (RFC 9420 §7.5, §12.4.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from coterie.mls.commits import HPKECiphertext, UpdatePath
from coterie.mls.errors import ValidationError
from coterie.mls.hpke import check_public_key
from coterie.mls.nodes import LeafNodeSource
from coterie.mls.proposal_list import Applied
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import HASH_LENGTH, Suite
from coterie.mls.tree_validation import check_new_leaf

_SEALED_SECRET_LENGTH = HASH_LENGTH + 16  # with the AEAD's tag


@dataclass(frozen=True, slots=True)
class Placed:
    """The tree of the next epoch and the committer's leaf index in it."""

    tree: RatchetTree
    committer: int


def place_path(
    suite: Suite,
    before: RatchetTree,
    group_id: bytes,
    sender: int | None,
    applied: Applied,
    path: UpdatePath,
) -> Placed:
    """Puts a path into the tree after the proposals; `sender` is None for an external commit."""
    leaf, tree, committer = path.leaf_node, applied.tree, sender
    if committer is None:
        tree, (committer,) = tree.added([leaf])
    replaced = sender if sender is not None else next(iter(applied.removes), None)
    if leaf.source is not LeafNodeSource.COMMIT:
        raise ValidationError("path.source", "a path's leaf was not made for a commit")
    old_leaf = None if replaced is None else before.leaf(replaced)
    check_new_leaf(suite, leaf, group_id, committer, old_leaf)
    for node in path.nodes:
        check_public_key(node.encryption_key)
    keys = [node.encryption_key for node in path.nodes]
    tree, parent_hash = tree.with_path(suite, committer, keys)
    if leaf.parent_hash != parent_hash:
        raise ValidationError("path.parent-hash", "a path's leaf has a wrong parent hash")
    _check_sealed_secrets(tree, committer, applied.added, path)
    return Placed(tree.with_leaf(committer, leaf), committer)


def recipients(tree: RatchetTree, copath_child: int, added: Iterable[int]) -> list[int]:
    """The nodes a path secret is sealed to: new members learn it from their Welcome (§7.6)."""
    new = {2 * leaf_index for leaf_index in added}
    return [node for node in tree.resolution(copath_child) if node not in new]


def _check_sealed_secrets(
    tree: RatchetTree, committer: int, added: Iterable[int], path: UpdatePath
) -> None:
    """Secrets that evidently cannot be opened would wedge all who need them."""
    filtered = tree.filtered_direct_path(committer)
    for (_, copath_child), node in zip(filtered, path.nodes, strict=True):
        sealed = node.encrypted_path_secrets
        if len(sealed) != len(recipients(tree, copath_child, added)):
            raise ValidationError("path.recipients", "a path has not one secret per recipient")
        for secret in sealed:
            _check_sealed_secret(secret)


def _check_sealed_secret(sealed: HPKECiphertext) -> None:
    check_public_key(sealed.kem_output)
    if len(sealed.ciphertext) != _SEALED_SECRET_LENGTH:
        raise ValidationError("path.ciphertext", "a sealed path secret has a wrong length")
