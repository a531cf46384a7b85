"""The ratchet tree: changes share what they do not touch, and no false tree is believed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.mls import (
    Capabilities,
    DecodeError,
    Group,
    LeafNode,
    ParentNode,
    PublicGroup,
    RatchetTree,
    RequiredCapabilities,
    suite,
    tree_math,
)
from coterie.mls.codec import opaque, vector
from coterie.mls.limits import MAX_TREE_WIDTH
from coterie.mls.nodes import Node
from tests.mls.clients import create, key_package, with_members
from tests.mls.forger import resigned
from tests.mls.refusals import refused

SUITE = suite(1)
LEAVES = [key_package(f"member {number}").package.leaf_node for number in range(12)]
KEY = bytes.fromhex("85" * 31 + "05")


def grown() -> Group:
    """Six members; parent nodes with keys, one of them with an unmerged leaf."""
    ann, bela, *_ = with_members([f"member {number}" for number in range(5)])
    ann = ann.process(bela.commit(force_path=True).commit)
    return ann.commit(adds=[key_package("newcomer").package]).group


def anchored(group: Group, tree: RatchetTree) -> PublicGroup:
    """The group as somebody sees it who is handed this tree, its hash being vouched for."""
    context = replace(group.public.context, tree_hash=tree.tree_hash(SUITE))
    return PublicGroup.from_anchor(context.encoded, tree.encode(), group.public.confirmation_tag)


def nodes_of(tree: RatchetTree) -> list[Node | None]:
    return [tree.node(index) for index in range(tree_math.node_count(tree.width))]


def with_node(tree: RatchetTree, index: int, node: Node | None) -> RatchetTree:
    nodes = nodes_of(tree)
    nodes[index] = node
    return RatchetTree(nodes)


def parent_in(tree: RatchetTree, *, unmerged: bool) -> tuple[int, ParentNode]:
    return next(one for one in tree.parents() if bool(one[1].unmerged_leaves) is unmerged)


def test_a_tree_that_grew_is_believed() -> None:
    group = grown()
    assert anchored(group, group.public.tree) == group.public
    assert any(parent.unmerged_leaves for _, parent in group.public.tree.parents())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("arup"), st.integers(0, 50)), max_size=25))
def test_hashes_carried_along_equal_hashes_computed_anew(steps: list[tuple[str, int]]) -> None:
    tree = RatchetTree.of_leaf(LEAVES[0])
    for kind, number in steps:
        before, encoded = tree, tree.encode()
        tree = _changed(tree, kind, number)
        assert tree.tree_hash(SUITE) == RatchetTree.decode(tree.encode()).tree_hash(SUITE)
        assert RatchetTree.decode(tree.encode()) == tree
        assert before.encode() == encoded, "the tree before is not touched"


def _changed(tree: RatchetTree, kind: str, number: int) -> RatchetTree:
    members = [index for index, _ in tree.leaves()]
    member = members[number % len(members)]
    if kind == "a":
        return tree.added(LEAVES[: 1 + number % 4])[0]
    if kind == "r" and len(members) > 1:
        return tree.removed([member])
    if kind == "u":
        return tree.updated(member, LEAVES[number % len(LEAVES)])
    keys = [bytes((number, index)) for index, _ in enumerate(tree.filtered_direct_path(member))]
    return tree.with_path(SUITE, member, keys)[0]


def test_adds_fill_blanks_from_the_left_and_removes_shrink_the_tree() -> None:
    tree, added = RatchetTree.of_leaf(LEAVES[0]).added(LEAVES[1:5])
    assert (added, tree.width, tree.leaf_count) == ((1, 2, 3, 4), 8, 5)
    tree = tree.removed([1, 4])
    assert (tree.width, tree.leaf_count) == (4, 3)
    tree, added = tree.added(LEAVES[6:8])
    assert added == (1, 4)
    assert [index for index, _ in tree.leaves()] == [0, 1, 2, 3, 4]
    assert tree.leaf(1) == LEAVES[6]
    assert tree.leaf(5) is tree.leaf(99) is tree.leaf(-1) is None


def test_tree_of_another_hash_is_refused() -> None:
    group, other = grown(), grown()
    with refused("tree.hash"):
        PublicGroup.from_anchor(
            group.public.context.encoded,
            other.public.tree.encode(),
            group.public.confirmation_tag,
        )


def test_parent_nobody_made_is_refused() -> None:
    """A parent's key is vouched for by the parent hashes below it, its own by nobody."""
    group = grown()
    index, parent = parent_in(group.public.tree, unmerged=False)
    for forged in (replace(parent, encryption_key=KEY), replace(parent, parent_hash=KEY)):
        with refused("tree.parent-hash"):
            anchored(group, with_node(group.public.tree, index, forged))


def test_stale_parent_hash_is_refused() -> None:
    """A node below that was replaced since does not lead to the parent any more."""
    group = with_members(["ann", "bela", "chen", "dana"])[1]
    first = group.commit(force_path=True).group
    second = first.commit(force_path=True).group
    stale = with_node(second.public.tree, 3, first.public.tree.node(3))
    with refused("tree.parent-hash"):
        anchored(second, stale)


def test_unmerged_leaf_must_be_a_member_below() -> None:
    group = grown()
    tree = group.public.tree
    for index, leaf in ((3, 7), (1, 2), (7, 40)):
        forged = ParentNode(KEY, b"", (leaf,))
        with refused("tree.unmerged-leaf"):
            anchored(group, with_node(tree, index, forged))


def test_leaf_unmerged_above_is_unmerged_below() -> None:
    group = with_members(["ann", "bela", "chen"])[0].commit(force_path=True).group
    group = group.commit(adds=[key_package("dana").package]).group
    tree = group.public.tree
    root = tree.node(3)
    assert isinstance(root, ParentNode)
    assert root.unmerged_leaves == (3,)
    with refused("tree.unmerged-path"):
        anchored(group, with_node(tree, 5, ParentNode(KEY, b"")))


def test_two_leaves_of_one_key_are_refused() -> None:
    group = with_members(["ann", "bela"])[0]
    twin = with_node(group.public.tree, 2, group.public.tree.node(0))
    with refused("tree.signature-keys"):
        anchored(group, twin)


def test_two_nodes_of_one_encryption_key_are_refused() -> None:
    ann = with_members(["ann", "bela"])[0]
    leaf = ann.public.tree.leaf(1)
    assert leaf is not None
    package = key_package("chen").package.leaf_node
    twin = LeafNode.sign(
        SUITE,
        bytes(32),
        encryption_key=leaf.encryption_key,
        identity=b"chen",
        capabilities=package.capabilities,
        extensions=(),
        lifetime=(0, 1),
    )
    with refused("tree.encryption-keys"):
        anchored(ann, ann.public.tree.added([twin])[0])


def test_every_leaf_of_a_tree_is_verified() -> None:
    """A leaf made by a commit signs its place: moved elsewhere it is refused."""
    ann = with_members(["ann", "bela", "chen"])[0].commit(force_path=True).group
    moved = ann.public.tree.removed([0, 1]).added([])[0]
    leaf = ann.public.tree.leaf(0)
    assert leaf is not None
    with refused("leaf.signature"):
        anchored(ann, RatchetTree([None, None, leaf, None, moved.leaf(2), None, None]))


def test_members_must_support_what_the_group_uses() -> None:
    extension = (0xF0C0, b"state")
    group = create(extensions=[extension])
    stranger = key_package("bela").package.leaf_node
    with refused("support.extensions"):
        anchored(group, group.public.tree.added([stranger])[0])


@pytest.mark.parametrize(
    ("check", "required"),
    [
        ("support.extensions", ((0xF0C7,), (), ())),
        ("support.proposals", ((), (0xF0C7,), ())),
        ("support.credentials", ((), (), (2,))),
    ],
)
def test_required_capabilities_are_required(
    check: str, required: tuple[tuple[int, ...], ...]
) -> None:
    group = create()
    context = replace(
        group.public.context, extensions=((3, RequiredCapabilities(*required).encode()),)
    )
    with refused(check):
        PublicGroup.from_anchor(
            context.encoded, group.public.tree.encode(), group.public.confirmation_tag
        )


def test_all_members_support_every_credential_in_use() -> None:
    group = create()
    leaf = key_package("bela").package.leaf_node
    chain = replace(leaf, credential_type=2, capabilities=Capabilities((1,), (1,), (), (), (1, 2)))
    encoded = leaf.encoded.replace(
        b"\x00\x01" + opaque(leaf.identity) + leaf.capabilities.encode(),
        b"\x00\x02" + opaque(leaf.identity) + chain.capabilities.encode(),
    )
    with refused("support.credentials"):
        anchored(group, group.public.tree.added([LeafNode.decode(encoded)])[0])


def test_parents_keys_are_ones_that_can_be_sealed_to() -> None:
    """The check of parents hashes would pass: a committer chose such a key himself."""
    ann, bela = with_members(["ann", "bela"])
    tree, parent_hash = ann.public.tree.with_path(SUITE, 0, [bytes(32)])
    leaf = ann.public.tree.leaf(0)
    assert leaf is not None
    forged = tree.with_leaf(0, resigned(ann, leaf, parent_hash=parent_hash))
    with refused("key.hpke"):
        anchored(bela, forged)


def test_malformed_trees_do_not_decode() -> None:
    leaf = b"\x01\x01" + LEAVES[0].encoded
    parent = b"\x01\x02" + ParentNode(KEY, b"").encoded
    unsorted = b"\x01\x02" + ParentNode(KEY, b"", (2, 1)).encoded
    doubled = b"\x01\x02" + ParentNode(KEY, b"", (1, 1)).encoded
    for check, nodes in (
        ("tree.end", []),
        ("tree.end", [leaf, b"\x00"]),
        ("tree.node-type", [parent]),
        ("tree.node-type", [leaf, leaf, leaf]),
        ("tree.node-type", [b"\x01\x03"]),
        ("parent.unmerged-order", [leaf, unsorted, leaf]),
        ("parent.unmerged-order", [leaf, doubled, leaf]),
        ("tree.width", [b"\x00"] * (2 * MAX_TREE_WIDTH) + [leaf]),
    ):
        with refused(check, DecodeError):
            RatchetTree.decode(vector(nodes))


def test_no_tree_grows_beyond_its_limit() -> None:
    tree = RatchetTree.of_leaf(LEAVES[0])
    with refused("tree.width"):
        tree.added([LEAVES[0]] * MAX_TREE_WIDTH)


def test_remove_of_a_blank_leaf_is_refused() -> None:
    tree = RatchetTree.of_leaf(LEAVES[0])
    for leaf_index in (1, 2**32 - 1):
        with refused("remove.member"):
            tree.removed([leaf_index])
