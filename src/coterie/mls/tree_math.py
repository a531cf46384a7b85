"""Indices in an array-based binary tree (RFC 9420 Appendix C).

Leaf i is node 2i. A tree has `width` leaf slots, a power of two, and 2·width - 1 nodes.
"""

from functools import lru_cache


def level(node: int) -> int:
    """Height above the leaves: 0 for a leaf."""
    return (node ^ (node + 1)).bit_length() - 1


def is_leaf(node: int) -> bool:
    return node & 1 == 0


def left(node: int) -> int:
    return node ^ (1 << (level(node) - 1))


def right(node: int) -> int:
    return node ^ (3 << (level(node) - 1))


def children(node: int) -> tuple[int, int]:
    return left(node), right(node)


def parent(node: int) -> int:
    height = level(node)
    return (node | (1 << height)) & ~(1 << (height + 1))


def sibling(node: int) -> int:
    above = parent(node)
    return right(above) if node < above else left(above)


def root(width: int) -> int:
    return width - 1


def node_count(width: int) -> int:
    return 2 * width - 1


@lru_cache(maxsize=4096)
def direct_path(node: int, width: int) -> tuple[int, ...]:
    """The ancestors of a node, its parent first, the root last."""
    path: list[int] = []
    for _ in range(level(root(width)) - level(node)):
        node = parent(node)
        path.append(node)
    return tuple(path)


def subtree(node: int) -> range:
    """All node indices below a node, itself included."""
    reach = (1 << level(node)) - 1
    return range(node - reach, node + reach + 1)


def common_ancestor(first: int, second: int) -> int:
    """The lowest node that has both in its subtree."""
    while second not in subtree(first):
        first = parent(first)
    return first
