"""Anchors: what somebody outside trusts already, and the chain of commits from there to now.

An anchor is `(genesis, epoch, H(GroupContext))`. Whoever enters verifies every commit from it to
the GroupInfo they are offered; no chain, no entry.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from coterie.governance.accept import accept, accept_genesis
from coterie.governance.encoding import Reader, uint
from coterie.governance.leaves import members_of
from coterie.governance.rules.leaf import check_entering_leaf
from coterie.governance.rules.rule import Rule, demand, refuse
from coterie.governance.rules.state_form import check_state, read_state
from coterie.governance.rules.tree import check_tree
from coterie.governance.signatures import hash_of
from coterie.mls import GroupContext, MLSError, PublicGroup
from coterie.protocol.commands import Anchor

_VERSION = 1


class TrustedAnchor(NamedTuple):
    """`context_hash` is H of the bytes of that epoch's GroupContext."""

    genesis: bytes
    epoch: int
    context_hash: bytes


class SealedAnchor(msgspec.Struct, frozen=True):
    """What a link carries sealed under its secret: the anchor, and whom to expect.

    `1 ‖ genesis 32 ‖ epoch u64 ‖ context_hash 32 ‖ creator 32 ‖ owner 32`, 137 bytes; creator and
    owner are identity keys.
    """

    genesis: bytes
    epoch: int
    context_hash: bytes
    creator: bytes
    owner: bytes

    @property
    def trusted(self) -> TrustedAnchor:
        return TrustedAnchor(self.genesis, self.epoch, self.context_hash)

    def encode(self) -> bytes:
        anchor = self.genesis + uint(self.epoch, 8) + self.context_hash
        return uint(_VERSION, 1) + anchor + self.creator + self.owner

    @classmethod
    def decode(cls, data: bytes) -> "SealedAnchor":
        """Raises EncodingError."""
        reader = Reader(data)
        reader.version(_VERSION)
        anchor = cls(
            reader.take(32), reader.uint(8), reader.take(32), reader.take(32), reader.take(32)
        )
        reader.finish()
        return anchor


def anchor_hash(context: GroupContext) -> bytes:
    """H(GroupContext)."""
    return hash_of(context.encoded)


def anchor_of(group: PublicGroup) -> Anchor:
    """The public state of an epoch as it is kept and served."""
    return Anchor(
        group_context=group.context.encoded,
        ratchet_tree=group.tree.encode(),
        confirmation_tag=group.confirmation_tag,
    )


def verify_anchor(anchor: Anchor, expected: tuple[bytes, int, bytes]) -> PublicGroup:
    """The public state of `expected` (genesis, epoch, H(GroupContext)), from what was served.

    Verifies hash, genesis, tree hash, parent hashes and every leaf. Raises Refused.
    """
    genesis, epoch, context_hash = expected
    demand(
        hash_of(anchor.group_context) == context_hash,
        Rule.ANCHOR_CONTEXT,
        "the GroupContext is not the one that was trusted",
    )
    try:
        group = PublicGroup.from_anchor(
            anchor.group_context, anchor.ratchet_tree, anchor.confirmation_tag
        )
    except MLSError as error:
        refuse(Rule.ANCHOR_TREE, str(error))
    state = read_state(group.extensions)
    demand(
        state.genesis == genesis and group.epoch == epoch,
        Rule.ANCHOR_CONTEXT,
        "the anchor is of another group or epoch",
    )
    if epoch == 0:
        accept_genesis(group, server_key=state.server_key)
    for _, leaf in group.tree.leaves():
        check_entering_leaf(leaf)
    check_state(state)
    check_tree(state, members_of(group.tree))
    return group


def verify_chain(
    anchor: Anchor, expected: tuple[bytes, int, bytes], commits: Iterable[bytes]
) -> PublicGroup:
    """The epoch that `commits` lead to from a trusted anchor.

    Raises Refused by the rule that the anchor or the first wrong commit breaks.
    """
    group = verify_anchor(anchor, expected)
    for commit in commits:
        group = accept(group, commit).after
    return group
