"""Whether a whole ratchet tree is one that members could have built (RFC 9420 §7.3, §7.9.2)."""

from collections.abc import Mapping

from coterie.mls import tree_math
from coterie.mls.errors import ValidationError
from coterie.mls.extensions import DEFAULT_EXTENSIONS, DEFAULT_PROPOSALS, Extensions
from coterie.mls.extensions import RequiredCapabilities as Required
from coterie.mls.hpke import check_public_key
from coterie.mls.nodes import Capabilities, LeafNode, ParentNode
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import Suite


def check_tree(suite: Suite, tree: RatchetTree, group_id: bytes, extensions: Extensions) -> None:
    """What somebody who enters must verify of a tree, beyond its hash (RFC 9420 §12.4.3.1)."""
    check_unmerged_leaves(tree)
    check_parent_hashes(suite, tree)
    check_distinct_keys(tree)
    check_support(tree, extensions)
    for _, parent in tree.parents():
        check_public_key(parent.encryption_key)
    for leaf_index, leaf in tree.leaves():
        leaf.check_content(suite)
        leaf.verify_signature(suite, (group_id, leaf_index))


def check_unmerged_leaves(tree: RatchetTree) -> None:
    """An unmerged leaf is a member below, and unmerged at each node in between (§12.4.3.1)."""
    unmerged = {node: frozenset(parent.unmerged_leaves) for node, parent in tree.parents()}
    for node_index, leaves in unmerged.items():
        for leaf_index in leaves:
            _check_unmerged_leaf(tree, node_index, leaf_index, unmerged)


def _check_unmerged_leaf(
    tree: RatchetTree, node_index: int, leaf_index: int, unmerged: Mapping[int, frozenset[int]]
) -> None:
    if tree.leaf(leaf_index) is None or 2 * leaf_index not in tree_math.subtree(node_index):
        raise ValidationError("tree.unmerged-leaf", "an unmerged leaf is no member below its node")
    for between in tree.direct_path(leaf_index):
        if between == node_index:
            return
        if leaf_index not in unmerged.get(between, (leaf_index,)):
            raise ValidationError("tree.unmerged-path", "an unmerged leaf is merged further down")


def check_parent_hashes(suite: Suite, tree: RatchetTree) -> None:
    """Each parent node was made by a commit of one below it, and not altered since (§7.9.2)."""
    for node_index, parent in tree.parents():
        below_left, below_right = tree_math.children(node_index)
        if not (
            _is_linked(suite, tree, parent, below_left, below_right)
            or _is_linked(suite, tree, parent, below_right, below_left)
        ):
            raise ValidationError("tree.parent-hash", f"no parent hash leads to node {node_index}")


def _is_linked(
    suite: Suite, tree: RatchetTree, parent: ParentNode, child: int, copath_child: int
) -> bool:
    """Whether exactly one node of the child's resolution, besides the leaves unmerged at the
    parent, carries the parent's hash."""
    below, resolution = tree_math.subtree(child), set(tree.resolution(child))
    unmerged = {2 * leaf for leaf in parent.unmerged_leaves if 2 * leaf in below}
    merged = resolution - unmerged
    if len(merged) != 1 or not unmerged.issubset(resolution):
        return False
    node = tree.node(merged.pop())
    return node is not None and node.parent_hash == tree.parent_hash(suite, parent, copath_child)


def check_distinct_keys(tree: RatchetTree) -> None:
    """No encryption key and no signature key occurs twice (RFC 9420 §7.3)."""
    leaves = [leaf for _, leaf in tree.leaves()]
    signature_keys = [leaf.signature_key for leaf in leaves]
    encryption_keys = [leaf.encryption_key for leaf in leaves]
    encryption_keys += [parent.encryption_key for _, parent in tree.parents()]
    if len(set(signature_keys)) != len(signature_keys):
        raise ValidationError("tree.signature-keys", "two leaves have one signature key")
    if len(set(encryption_keys)) != len(encryption_keys):
        raise ValidationError("tree.encryption-keys", "two nodes have one encryption key")


def check_support(tree: RatchetTree, extensions: Extensions) -> None:
    """Every member supports the group's extensions, what the group requires, and every
    credential type in use (RFC 9420 §7.3, §11.1, §13.4)."""
    leaves = [leaf for _, leaf in tree.leaves()]
    credentials = {leaf.credential_type for leaf in leaves}
    for capabilities in {leaf.capabilities for leaf in leaves}:
        _check_capabilities(capabilities, extensions, credentials)


def _check_capabilities(
    capabilities: Capabilities, extensions: Extensions, credentials: set[int]
) -> None:
    required = Required.of(extensions)
    kinds = {kind for kind, _ in extensions}.union(required.extensions) - DEFAULT_EXTENSIONS
    if not kinds.issubset(capabilities.extensions):
        raise ValidationError("support.extensions", "a member lacks an extension of the group")
    if not (set(required.proposals) - DEFAULT_PROPOSALS).issubset(capabilities.proposals):
        raise ValidationError("support.proposals", "a member lacks a required proposal type")
    if not credentials.union(required.credentials).issubset(capabilities.credentials):
        raise ValidationError("support.credentials", "a member lacks a credential type in use")


def check_new_leaf(
    suite: Suite, leaf: LeafNode, group_id: bytes, leaf_index: int, replaced: LeafNode | None
) -> None:
    """A leaf from an Update or an UpdatePath; `replaced` is the leaf it succeeds (§7.3)."""
    leaf.check_content(suite)
    leaf.verify_signature(suite, (group_id, leaf_index))
    if replaced is not None and leaf.encryption_key == replaced.encryption_key:
        raise ValidationError("leaf.key-kept", "a new leaf keeps its encryption key")
