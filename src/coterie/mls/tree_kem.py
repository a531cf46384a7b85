"""The secret half of an update path: path secrets and node keys (RFC 9420 §7.4 to §7.6)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coterie.mls import hpke, tree_math
from coterie.mls.commits import HPKECiphertext, UpdatePath, UpdatePathNode
from coterie.mls.errors import SecretError
from coterie.mls.nodes import LeafNode
from coterie.mls.path_validation import recipients
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import HASH_LENGTH, Suite

PrivateKeys = Mapping[int, bytes]
"""The HPKE private keys a member holds, by node index."""


@dataclass(frozen=True, slots=True)
class PathSecrets:
    """Secrets along a filtered direct path, from some node of it to the root."""

    nodes: tuple[int, ...]
    path_secrets: tuple[bytes, ...] = field(repr=False)
    private_keys: tuple[bytes, ...] = field(repr=False)
    public_keys: tuple[bytes, ...]
    commit_secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, suite: Suite, nodes: Sequence[int], path_secret: bytes) -> "PathSecrets":
        """From the secret of the first of `nodes` upwards (RFC 9420 §7.4)."""
        path_secrets: list[bytes] = []
        pairs: list[tuple[bytes, bytes]] = []
        for _ in nodes:
            path_secrets.append(path_secret)
            pairs.append(hpke.derive_key_pair(suite.derive_secret(path_secret, b"node")))
            path_secret = suite.derive_secret(path_secret, b"path")
        return cls(
            tuple(nodes),
            tuple(path_secrets),
            tuple(private for private, _ in pairs),
            tuple(public for _, public in pairs),
            path_secret,
        )

    @classmethod
    def generate(cls, suite: Suite, tree: RatchetTree, leaf_index: int) -> "PathSecrets":
        nodes = [node for node, _ in tree.filtered_direct_path(leaf_index)]
        return cls.derive(suite, nodes, secrets.token_bytes(HASH_LENGTH))

    def secret_for(self, node_index: int) -> bytes:
        return self.path_secrets[self.nodes.index(node_index)]

    def keys_by_node(self) -> PrivateKeys:
        return dict(zip(self.nodes, self.private_keys, strict=True))

    def check_against(self, tree: RatchetTree) -> None:
        """The derived public keys are those of the tree (RFC 9420 §7.5)."""
        for node_index, public in zip(self.nodes, self.public_keys, strict=True):
            if tree.encryption_key(node_index) != public:
                raise SecretError("path.secret", "a path secret does not fit its public key")

    def seal(
        self,
        suite: Suite,
        tree: RatchetTree,
        committer: int,
        leaf: LeafNode,
        added: Sequence[int],
        context: bytes,
    ) -> UpdatePath:
        """The update path, its secrets sealed to the copath (RFC 9420 §7.6)."""
        filtered = tree.filtered_direct_path(committer)
        nodes = tuple(
            UpdatePathNode(
                public,
                tuple(
                    _seal(suite, key, context, secret)
                    for key in _recipient_keys(tree, copath_child, added)
                ),
            )
            for (_, copath_child), public, secret in zip(
                filtered, self.public_keys, self.path_secrets, strict=True
            )
        )
        return UpdatePath(leaf, nodes)


def _recipient_keys(tree: RatchetTree, copath_child: int, added: Sequence[int]) -> list[bytes]:
    keys = (tree.encryption_key(node) for node in recipients(tree, copath_child, added))
    return [key for key in keys if key is not None]


def _seal(suite: Suite, public: bytes, context: bytes, path_secret: bytes) -> HPKECiphertext:
    return HPKECiphertext(
        *suite.encrypt_with_label(public, b"UpdatePathNode", context, path_secret)
    )


def open_path(
    suite: Suite,
    tree: RatchetTree,
    path: UpdatePath,
    committer: int,
    own_leaf: int,
    added: Sequence[int],
    private_keys: PrivateKeys,
    context: bytes,
) -> PathSecrets:
    """A member's part of somebody else's path, checked against the tree; raises `SecretError`.

    `tree` is the tree with the path in it.
    """
    filtered = tree.filtered_direct_path(committer)
    shared, copath_child = next(
        (position, child)
        for position, (_, child) in enumerate(filtered)
        if 2 * own_leaf in tree_math.subtree(child)
    )
    path_secret = _open(
        suite,
        recipients(tree, copath_child, added),
        path.nodes[shared].encrypted_path_secrets,
        private_keys,
        context,
    )
    opened = PathSecrets.derive(suite, [node for node, _ in filtered[shared:]], path_secret)
    opened.check_against(tree)
    return opened


def _open(
    suite: Suite,
    recipients: Sequence[int],
    sealed: Sequence[HPKECiphertext],
    private_keys: PrivateKeys,
    context: bytes,
) -> bytes:
    """The path secret, by the first of our keys it is sealed to."""
    for node_index, one in zip(recipients, sealed, strict=True):
        private = private_keys.get(node_index)
        if private is not None:
            return suite.decrypt_with_label(
                private, b"UpdatePathNode", context, one.kem_output, one.ciphertext
            )
    raise SecretError("path.recipient", "a path secret is sealed to no key of ours")


def still_valid(keys: PrivateKeys, before: RatchetTree, after: RatchetTree) -> PrivateKeys:
    """Those private keys whose public halves stand unchanged in the next tree."""
    return {
        node_index: private
        for node_index, private in keys.items()
        if after.encryption_key(node_index) == before.encryption_key(node_index) is not None
    }
