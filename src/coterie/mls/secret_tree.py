"""The secret tree and the message ratchets of its leaves (RFC 9420 §9): an immutable value.

Taking a key returns the tree without it. A caller keeps that tree only once the ciphertext has
opened, so a forged one burns no key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from coterie.mls import tree_math
from coterie.mls.codec import Reader, opaque, uint8, uint32, vector
from coterie.mls.errors import SecretError
from coterie.mls.framing import ContentType
from coterie.mls.limits import MAX_GENERATION_GAP, MAX_SKIPPED_KEYS
from coterie.mls.suites import HASH_LENGTH, NONCE_LENGTH, Suite

MessageKey = tuple[bytes, bytes]
"""An AEAD key and its nonce."""

_HANDSHAKE, _APPLICATION = 0, 1


@dataclass(frozen=True, slots=True)
class Ratchet:
    """One sender's chain of message keys; `generation` is the next one."""

    secret: bytes = field(repr=False)
    generation: int = 0
    skipped: Mapping[int, MessageKey] = field(default_factory=dict[int, MessageKey], repr=False)

    def step(self, suite: Suite) -> "tuple[MessageKey, Ratchet]":
        def derive(label: bytes, length: int) -> bytes:
            return suite.derive_tree_secret(self.secret, label, self.generation, length)

        key = derive(b"key", suite.key_length), derive(b"nonce", NONCE_LENGTH)
        following = derive(b"secret", HASH_LENGTH)
        return key, Ratchet(following, self.generation + 1, self.skipped)

    def take(self, suite: Suite, generation: int) -> "tuple[MessageKey, Ratchet]":
        if generation < self.generation:
            return self._take_skipped(generation)
        if generation - self.generation > MAX_GENERATION_GAP:
            raise SecretError("secret-tree.gap", "a message is too far ahead of its sender")
        ratchet, skipped = self, dict(self.skipped)
        while ratchet.generation < generation:
            skipped[ratchet.generation], ratchet = ratchet.step(suite)
        key, ratchet = ratchet.step(suite)
        newest = sorted(skipped)[-MAX_SKIPPED_KEYS:]
        kept = {kept_generation: skipped[kept_generation] for kept_generation in newest}
        return key, replace(ratchet, skipped=kept)

    def _take_skipped(self, generation: int) -> "tuple[MessageKey, Ratchet]":
        skipped = dict(self.skipped)
        key = skipped.pop(generation, None)
        if key is None:
            raise SecretError("secret-tree.replay", "a message key was used or has expired")
        return key, replace(self, skipped=skipped)

    def encode(self) -> bytes:
        keys = (
            uint32(number) + opaque(key) + opaque(nonce)
            for number, (key, nonce) in self.skipped.items()
        )
        return self.secret + uint32(self.generation) + vector(keys)

    @classmethod
    def read(cls, reader: Reader) -> "Ratchet":
        secret, generation = reader.take(HASH_LENGTH), reader.uint32()
        keys = reader.vector(lambda inner: (inner.uint32(), (inner.opaque(), inner.opaque())))
        return cls(secret, generation, dict(keys))


@dataclass(frozen=True, slots=True)
class SecretTree:
    """Secrets of the nodes not yet descended from, and the ratchets of leaves in use."""

    width: int
    _nodes: Mapping[int, bytes] = field(repr=False)
    _ratchets: Mapping[tuple[int, int], Ratchet] = field(repr=False)
    """By leaf index and kind (handshake 0, application 1)."""

    @classmethod
    def of(cls, encryption_secret: bytes, width: int) -> "SecretTree":
        return cls(width, {tree_math.root(width): encryption_secret}, {})

    def take(
        self, suite: Suite, leaf_index: int, content_type: ContentType, generation: int
    ) -> "tuple[MessageKey, SecretTree]":
        """The key of one message, and the tree without it; raises `SecretError`."""
        tree, chain = self._opened(suite, leaf_index, content_type)
        key, ratchet = tree._ratchets[chain].take(suite, generation)
        return key, replace(tree, _ratchets={**tree._ratchets, chain: ratchet})

    def take_next(
        self, suite: Suite, leaf_index: int, content_type: ContentType
    ) -> "tuple[int, MessageKey, SecretTree]":
        """For sending: the generation, its key, and the tree without it."""
        tree, chain = self._opened(suite, leaf_index, content_type)
        generation = tree._ratchets[chain].generation
        return generation, *tree.take(suite, leaf_index, content_type, generation)

    def _opened(
        self, suite: Suite, leaf_index: int, content_type: ContentType
    ) -> "tuple[SecretTree, tuple[int, int]]":
        kind = _APPLICATION if content_type is ContentType.APPLICATION else _HANDSHAKE
        chain = (leaf_index, kind)
        if chain in self._ratchets:
            return self, chain
        return self._with_ratchets(suite, leaf_index), chain

    def _with_ratchets(self, suite: Suite, leaf_index: int) -> "SecretTree":
        nodes = dict(self._nodes)
        path = [2 * leaf_index, *tree_math.direct_path(2 * leaf_index, self.width)]
        top = next(index for index, node in enumerate(path) if node in nodes)
        for node in reversed(path[1 : top + 1]):
            secret = nodes.pop(node)
            for child, side in zip(tree_math.children(node), (b"left", b"right"), strict=True):
                nodes[child] = suite.expand_with_label(secret, b"tree", side, HASH_LENGTH)
        leaf_secret = nodes.pop(2 * leaf_index)
        ratchets = {
            (leaf_index, kind): Ratchet(
                suite.expand_with_label(leaf_secret, label, b"", HASH_LENGTH)
            )
            for kind, label in ((_HANDSHAKE, b"handshake"), (_APPLICATION, b"application"))
        }
        return SecretTree(self.width, nodes, {**self._ratchets, **ratchets})

    def encode(self) -> bytes:
        nodes = vector(uint32(node) + secret for node, secret in self._nodes.items())
        ratchets = vector(
            uint32(leaf) + uint8(kind) + ratchet.encode()
            for (leaf, kind), ratchet in self._ratchets.items()
        )
        return uint32(self.width) + nodes + ratchets

    @classmethod
    def read(cls, reader: Reader) -> "SecretTree":
        width = reader.uint32()
        nodes = reader.vector(lambda inner: (inner.uint32(), inner.take(HASH_LENGTH)))
        ratchets = reader.vector(
            lambda inner: ((inner.uint32(), inner.uint8()), Ratchet.read(inner))
        )
        return cls(width, dict(nodes), dict(ratchets))
