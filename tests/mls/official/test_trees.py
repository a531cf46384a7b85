"""tree-math, tree-operations, tree-validation, treekem."""

from coterie.mls import GroupContext, RatchetTree, Update, UpdatePath, suite, tree_math
from coterie.mls.codec import decode
from coterie.mls.framing import Sender
from coterie.mls.path_validation import place_path
from coterie.mls.proposal_list import Applied, SentProposal, apply
from coterie.mls.proposals import read_proposal
from coterie.mls.suites import Suite
from coterie.mls.tree_kem import PathSecrets, PrivateKeys, open_path, still_valid
from coterie.mls.tree_validation import (
    check_distinct_keys,
    check_parent_hashes,
    check_unmerged_leaves,
)
from tests.mls.vector_files import Vector, official, unhex


def test_tree_math() -> None:
    for vector in official("tree-math", minimum=10):
        width, nodes = vector["n_leaves"], range(vector["n_nodes"])
        assert tree_math.node_count(width) == vector["n_nodes"]
        root = tree_math.root(width)
        assert root == vector["root"]
        for node in nodes:
            below = (None, None) if tree_math.is_leaf(node) else tree_math.children(node)
            assert below == (vector["left"][node], vector["right"][node])
            above = None if node == root else tree_math.parent(node)
            assert above == vector["parent"][node]
            beside = None if node == root else tree_math.sibling(node)
            assert beside == vector["sibling"][node]


def test_tree_operations() -> None:
    for vector in official("tree-operations", minimum=5):
        used = suite(vector["cipher_suite"])
        before = RatchetTree.decode(unhex(vector["tree_before"]))
        assert before.tree_hash(used) == unhex(vector["tree_hash_before"])
        proposal = decode(read_proposal, unhex(vector["proposal"]))
        sent = SentProposal(proposal, Sender.member(vector["proposal_sender"]))
        after = _apply_unchecked(used, before, sent)
        assert after.encode() == unhex(vector["tree_after"])
        assert after.tree_hash(used) == unhex(vector["tree_hash_after"])


def _apply_unchecked(used: Suite, before: RatchetTree, sent: SentProposal) -> RatchetTree:
    """These vectors name no group, so an Update's signature cannot be verified."""
    if isinstance(sent.proposal, Update):
        assert sent.sender.leaf_index is not None
        return before.updated(sent.sender.leaf_index, sent.proposal.leaf_node)
    return apply(used, before, b"", (), [sent]).tree


def test_tree_validation() -> None:
    for vector in official("tree-validation", minimum=28):
        used, encoded = suite(vector["cipher_suite"]), unhex(vector["tree"])
        tree = RatchetTree.decode(encoded)
        assert tree.encode() == encoded
        for node, expected in enumerate(vector["tree_hashes"]):
            assert tree.node_hash(used, node) == unhex(expected)
            assert tree.resolution(node) == vector["resolutions"][node]
        check_unmerged_leaves(tree)
        check_parent_hashes(used, tree)
        check_distinct_keys(tree)
        for leaf_index, leaf in tree.leaves():
            leaf.check_content(used)
            leaf.verify_signature(used, (unhex(vector["group_id"]), leaf_index))


def test_treekem() -> None:
    for vector in official("treekem", minimum=22):
        used = suite(vector["cipher_suite"])
        tree = RatchetTree.decode(unhex(vector["ratchet_tree"]))
        keys = {leaf["index"]: _private_keys(used, tree, leaf) for leaf in vector["leaves_private"]}
        for update in vector["update_paths"]:
            _check_update_path(used, vector, tree, keys, update)
            _check_own_path(used, vector, tree, keys, update["sender"])


def _private_keys(used: Suite, tree: RatchetTree, leaf: Vector) -> PrivateKeys:
    keys = {2 * leaf["index"]: unhex(leaf["encryption_priv"])}
    for one in leaf["path_secrets"]:
        derived = PathSecrets.derive(used, [one["node"]], unhex(one["path_secret"]))
        derived.check_against(tree)
        keys |= derived.keys_by_node()
    return keys


def _context(vector: Vector, tree_hash: bytes) -> bytes:
    return GroupContext(
        1,
        vector["cipher_suite"],
        unhex(vector["group_id"]),
        vector["epoch"],
        tree_hash,
        unhex(vector["confirmed_transcript_hash"]),
        (),
    ).encoded


def _nothing_applied(used: Suite, tree: RatchetTree) -> Applied:
    return apply(used, tree, b"", (), [])


def _check_update_path(
    used: Suite, vector: Vector, tree: RatchetTree, keys: dict[int, PrivateKeys], update: Vector
) -> None:
    path, sender = UpdatePath.decode(unhex(update["update_path"])), update["sender"]
    group_id = unhex(vector["group_id"])
    after = place_path(used, tree, group_id, sender, _nothing_applied(used, tree), path).tree
    assert after.tree_hash(used) == unhex(update["tree_hash_after"])
    context = _context(vector, after.tree_hash(used))
    for leaf_index, private in keys.items():
        if leaf_index == sender:
            continue
        valid = still_valid(private, tree, after)
        opened = open_path(used, after, path, sender, leaf_index, (), valid, context)
        assert opened.path_secrets[0] == unhex(update["path_secrets"][leaf_index])
        assert opened.commit_secret == unhex(update["commit_secret"])


def _check_own_path(
    used: Suite, vector: Vector, tree: RatchetTree, keys: dict[int, PrivateKeys], sender: int
) -> None:
    """A path of our own making opens for everybody else."""
    secrets = PathSecrets.generate(used, tree, sender)
    after, _ = tree.with_path(used, sender, secrets.public_keys)
    leaf = tree.leaf(sender)
    assert leaf is not None
    context = _context(vector, after.tree_hash(used))
    path = secrets.seal(used, after, sender, leaf, (), context)
    for leaf_index, private in keys.items():
        if leaf_index != sender:
            valid = still_valid(private, tree, after)
            opened = open_path(used, after, path, sender, leaf_index, (), valid, context)
            assert opened.commit_secret == secrets.commit_secret
