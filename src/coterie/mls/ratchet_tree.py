"""The ratchet tree (RFC 9420 §4, §7.7, §7.8): an immutable value.

A change makes a new tree that shares all nodes and all tree hashes it does not touch, so a commit
costs one copy of two lists and the hashes along the changed paths.
"""

from collections.abc import Iterable, Iterator, Sequence

from coterie.mls import tree_math
from coterie.mls.codec import Reader, decode, opaque, optional, uint8, uint32, vector
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.limits import MAX_TREE_BYTES, MAX_TREE_WIDTH
from coterie.mls.nodes import LeafNode, Node, ParentNode
from coterie.mls.suites import Suite

_LEAF, _PARENT = 1, 2
_BLANK, _FULL_LEAF, _FULL_PARENT = b"\x00", b"\x01\x01", b"\x01\x02"
"""An `optional<Node>`: nothing, or what goes before a node of each type."""
_NO_LEAVES: frozenset[int] = frozenset()


class RatchetTree:
    """Equal nodes make equal trees. `width` counts leaf slots, `leaf_count` the members."""

    __slots__ = ("_hashes", "_leaves", "_nodes")

    def __init__(self, nodes: list[Node | None], hashes: list[bytes | None] | None = None) -> None:
        self._nodes = nodes
        self._hashes: list[bytes | None] = hashes or [None] * len(nodes)
        self._leaves: tuple[tuple[int, LeafNode], ...] | None = None

    @classmethod
    def of_leaf(cls, leaf: LeafNode) -> "RatchetTree":
        """The tree of a group's first member."""
        return cls([leaf])

    # Reading

    @property
    def width(self) -> int:
        return (len(self._nodes) + 1) // 2

    @property
    def leaf_count(self) -> int:
        return len(self.leaves())

    def leaf(self, leaf_index: int) -> LeafNode | None:
        """The leaf at this index; None when it is blank or outside the tree."""
        if not 0 <= leaf_index < self.width:
            return None
        node = self._nodes[2 * leaf_index]
        return node if isinstance(node, LeafNode) else None

    def leaves(self) -> tuple[tuple[int, LeafNode], ...]:
        """The members' leaves with their indices, in order. A tree is asked for them often."""
        if self._leaves is None:
            slots = enumerate(self._nodes[::2])
            self._leaves = tuple((i, node) for i, node in slots if isinstance(node, LeafNode))
        return self._leaves

    def parents(self) -> Iterator[tuple[int, ParentNode]]:
        """The parent nodes that are not blank with their node indices, in order."""
        for node_index in range(1, len(self._nodes), 2):
            node = self._nodes[node_index]
            if isinstance(node, ParentNode):
                yield node_index, node

    def node(self, node_index: int) -> Node | None:
        return self._nodes[node_index] if node_index < len(self._nodes) else None

    def encryption_key(self, node_index: int) -> bytes | None:
        """None when the node is blank or outside the tree."""
        node = self.node(node_index)
        return None if node is None else node.encryption_key

    def direct_path(self, leaf_index: int) -> tuple[int, ...]:
        return tree_math.direct_path(2 * leaf_index, self.width)

    def filtered_direct_path(self, leaf_index: int) -> list[tuple[int, int]]:
        """(node, its child on the copath), without nodes whose copath child resolves to nothing
        (RFC 9420 §4.1.2)."""
        path: list[tuple[int, int]] = []
        below = 2 * leaf_index
        for node_index in self.direct_path(leaf_index):
            copath_child = tree_math.sibling(below)
            if self._has_key(copath_child):
                path.append((node_index, copath_child))
            below = node_index
        return path

    def resolution(self, node_index: int) -> list[int]:
        """The nodes whose keys together reach every member below (RFC 9420 §4.1.1)."""
        node = self._nodes[node_index]
        if isinstance(node, ParentNode):
            return [node_index, *(2 * leaf for leaf in node.unmerged_leaves)]
        if node is not None:
            return [node_index]
        if tree_math.is_leaf(node_index):
            return []
        below_left, below_right = tree_math.children(node_index)
        return self.resolution(below_left) + self.resolution(below_right)

    def _has_key(self, node_index: int) -> bool:
        """Whether the resolution of a node is not empty."""
        return any(self._nodes[index] is not None for index in tree_math.subtree(node_index))

    # Hashes

    def tree_hash(self, suite: Suite) -> bytes:
        """The root's tree hash (RFC 9420 §7.8)."""
        return self.node_hash(suite, tree_math.root(self.width))

    def node_hash(self, suite: Suite, node_index: int) -> bytes:
        known = self._hashes[node_index]
        if known is not None:
            return known
        node = self._nodes[node_index]
        if tree_math.is_leaf(node_index):
            computed = _leaf_hash(suite, node_index, node)
        else:
            computed = self._parent_node_hash(suite, node_index, node, _NO_LEAVES)
        self._hashes[node_index] = computed
        return computed

    def _hash_without(self, suite: Suite, node_index: int, excluded: frozenset[int]) -> bytes:
        """The tree hash a node had before the excluded leaves were added (RFC 9420 §7.9)."""
        below = tree_math.subtree(node_index)
        present = frozenset(leaf for leaf in excluded if 2 * leaf in below)
        if not present:
            return self.node_hash(suite, node_index)
        if tree_math.is_leaf(node_index):
            return _leaf_hash(suite, node_index, None)
        node = self._nodes[node_index]
        if isinstance(node, ParentNode):
            node = node.without_unmerged(present)
        return self._parent_node_hash(suite, node_index, node, present)

    def _parent_node_hash(
        self, suite: Suite, node_index: int, node: Node | None, excluded: frozenset[int]
    ) -> bytes:
        encoded = node.encoded if isinstance(node, ParentNode) else None
        below_left, below_right = tree_math.children(node_index)
        return suite.hash(
            uint8(_PARENT)
            + optional(encoded)
            + opaque(self._hash_without(suite, below_left, excluded))
            + opaque(self._hash_without(suite, below_right, excluded))
        )

    def parent_hash(self, suite: Suite, node: ParentNode, copath_child: int) -> bytes:
        """The parent hash of `node` with its child on the copath (RFC 9420 §7.9)."""
        original = self._hash_without(suite, copath_child, frozenset(node.unmerged_leaves))
        return suite.hash(opaque(node.encryption_key) + opaque(node.parent_hash) + opaque(original))

    # Changing

    def with_leaf(self, leaf_index: int, leaf: LeafNode) -> "RatchetTree":
        """With another leaf at a slot of this tree; the path above stays."""
        changed = _Change(self)
        changed.put_leaf(leaf_index, leaf)
        return changed.tree()

    def updated(self, leaf_index: int, leaf: LeafNode) -> "RatchetTree":
        """After an Update: the leaf replaced, its direct path blank (RFC 9420 §12.1.2)."""
        changed = _Change(self)
        changed.put_leaf(leaf_index, leaf)
        changed.blank_path(leaf_index)
        return changed.tree()

    def removed(self, leaf_indices: Iterable[int]) -> "RatchetTree":
        """After Removes: leaves and their paths blank, the tree truncated (RFC 9420 §12.1.3)."""
        changed = _Change(self)
        for leaf_index in leaf_indices:
            if self.leaf(leaf_index) is None:
                raise ValidationError("remove.member", f"leaf {leaf_index} is blank")
            changed.put_leaf(leaf_index, None)
            changed.blank_path(leaf_index)
        changed.truncate()
        return changed.tree()

    def added(self, leaves: Sequence[LeafNode]) -> "tuple[RatchetTree, tuple[int, ...]]":
        """After Adds, each at the leftmost blank slot, and the new indices (RFC 9420 §12.1.1)."""
        changed = _Change(self)
        slots = changed.blank_slots(len(leaves))
        for leaf_index, leaf in zip(slots, leaves, strict=True):
            changed.put_leaf(leaf_index, leaf)
            changed.add_unmerged(leaf_index)
        return changed.tree(), tuple(slots)

    def with_path(
        self, suite: Suite, leaf_index: int, keys: Sequence[bytes]
    ) -> "tuple[RatchetTree, bytes]":
        """With these keys on the filtered direct path, top-down parent hashes and the rest of the
        path blank; and the parent hash for the leaf (RFC 9420 §7.5, §7.9)."""
        path = self.filtered_direct_path(leaf_index)
        if len(path) != len(keys):
            raise ValidationError("path.length", "an UpdatePath does not fit its direct path")
        changed = _Change(self)
        changed.blank_path(leaf_index)
        changed.touch(leaf_index)
        tree = changed.tree()
        parent_hash = b""
        for (node_index, copath_child), key in reversed(list(zip(path, keys, strict=True))):
            node = ParentNode(key, parent_hash)
            changed.put_parent(node_index, node)
            parent_hash = tree.parent_hash(suite, node, copath_child)
        return tree, parent_hash

    # Bytes

    def encode(self) -> bytes:
        """The ratchet_tree extension's content, without trailing blanks (RFC 9420 §12.4.3.3)."""
        last = max(index for index, node in enumerate(self._nodes) if node is not None)
        return vector(map(_encode_node, self._nodes[: last + 1]))

    @classmethod
    def decode(cls, data: bytes) -> "RatchetTree":
        """Raises `DecodeError`. Hashes and signatures are not verified here."""
        return decode(cls._read, data, MAX_TREE_BYTES)

    @classmethod
    def _read(cls, reader: Reader) -> "RatchetTree":
        nodes = list(reader.vector(lambda inner: inner.optional(_read_node)))
        if not nodes or nodes[-1] is None:
            raise DecodeError("tree.end", "a ratchet tree ends with a blank node")
        width = 1
        while tree_math.node_count(width) < len(nodes):
            width *= 2
        if width > MAX_TREE_WIDTH:
            raise DecodeError("tree.width", f"a ratchet tree is wider than {MAX_TREE_WIDTH}")
        for node_index, node in enumerate(nodes):
            if isinstance(node, ParentNode) == tree_math.is_leaf(node_index) and node is not None:
                raise DecodeError("tree.node-type", f"node {node_index} is of the wrong type")
        nodes += [None] * (tree_math.node_count(width) - len(nodes))
        return cls(nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RatchetTree) and self._nodes == other._nodes

    def __hash__(self) -> int:
        return hash(tuple(self._nodes))

    def __repr__(self) -> str:
        return f"RatchetTree(width={self.width}, leaf_count={self.leaf_count})"


class _Change:
    """Copies of a tree's lists while they are being altered."""

    def __init__(self, tree: RatchetTree) -> None:
        self._nodes = tree._nodes.copy()  # pyright: ignore[reportPrivateUsage]
        self._hashes = tree._hashes.copy()  # pyright: ignore[reportPrivateUsage]

    def tree(self) -> RatchetTree:
        return RatchetTree(self._nodes, self._hashes)

    @property
    def _width(self) -> int:
        return (len(self._nodes) + 1) // 2

    def touch(self, leaf_index: int) -> None:
        """Forgets the hashes from a leaf to the root."""
        self._hashes[2 * leaf_index] = None
        for node_index in tree_math.direct_path(2 * leaf_index, self._width):
            self._hashes[node_index] = None

    def put_leaf(self, leaf_index: int, leaf: LeafNode | None) -> None:
        self._nodes[2 * leaf_index] = leaf
        self.touch(leaf_index)

    def put_parent(self, node_index: int, node: ParentNode) -> None:
        """Only on a path that was touched."""
        self._nodes[node_index] = node

    def blank_path(self, leaf_index: int) -> None:
        for node_index in tree_math.direct_path(2 * leaf_index, self._width):
            self._nodes[node_index] = None

    def add_unmerged(self, leaf_index: int) -> None:
        for node_index in tree_math.direct_path(2 * leaf_index, self._width):
            node = self._nodes[node_index]
            if isinstance(node, ParentNode):
                self._nodes[node_index] = node.with_unmerged(leaf_index)

    def blank_slots(self, count: int) -> list[int]:
        """The leftmost blank leaf indices, after widening the tree as often as needed."""
        blank = self._blank_leaves()
        while len(blank) < count:
            self._widen()
            blank = self._blank_leaves()
        return blank[:count]

    def _blank_leaves(self) -> list[int]:
        leaves = self._nodes[::2]
        return [index for index, leaf in enumerate(leaves) if leaf is None]

    def _widen(self) -> None:
        if self._width >= MAX_TREE_WIDTH:
            raise ValidationError("tree.width", f"a group has at most {MAX_TREE_WIDTH} leaves")
        grown = len(self._nodes) + 1
        self._nodes += [None] * grown
        self._hashes += [None] * grown

    def truncate(self) -> None:
        """Halves the tree while its right half has no member (RFC 9420 §7.7)."""
        while len(self._nodes) > 1:
            middle = len(self._nodes) // 2
            if any(leaf is not None for leaf in self._nodes[middle + 1 :: 2]):
                return
            del self._nodes[middle:]
            del self._hashes[middle:]


def _leaf_hash(suite: Suite, node_index: int, node: Node | None) -> bytes:
    encoded = node.encoded if isinstance(node, LeafNode) else None
    return suite.hash(uint8(_LEAF) + uint32(node_index // 2) + optional(encoded))


def _encode_node(node: Node | None) -> bytes:
    if node is None:
        return _BLANK
    return (_FULL_LEAF if isinstance(node, LeafNode) else _FULL_PARENT) + node.encoded


def _read_node(reader: Reader) -> Node:
    kind = reader.uint8()
    if kind == _LEAF:
        return LeafNode.read(reader)
    if kind == _PARENT:
        return ParentNode.read(reader)
    raise DecodeError("tree.node-type", f"node type {kind} is unknown")
