"""Entering a group by Welcome: what a new member verifies and learns (RFC 9420 §12.4.3.1)."""

from coterie.mls import tree_math
from coterie.mls.errors import SecretError, ValidationError
from coterie.mls.key_packages import KeyPackageSecrets
from coterie.mls.key_schedule import JoinerSecrets
from coterie.mls.member_state import MemberState
from coterie.mls.psk import PskStore, check_psk_ids, psk_secret
from coterie.mls.public_group import PublicGroup
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.successors import check_successor
from coterie.mls.suites import Suite
from coterie.mls.tree_kem import PathSecrets, PrivateKeys
from coterie.mls.welcome import Welcome


def open_welcome(
    suite: Suite,
    welcome: bytes,
    own: KeyPackageSecrets,
    ratchet_tree: bytes | None,
    psks: PskStore,
    predecessor: PublicGroup | None,
) -> MemberState:
    """Raises `MissingSecret`, `SecretError`, `DecodeError` or `ValidationError`."""
    decoded = Welcome.decode(welcome)
    secrets = decoded.group_secrets(suite, own)
    check_psk_ids(secrets.psk_ids)
    psk = psk_secret(suite, secrets.psk_ids, psks)
    joiner = JoinerSecrets.of_joiner(suite, secrets.joiner_secret, psk)
    info = decoded.group_info(suite, joiner.welcome_secret(suite))
    if info.context.cipher_suite != suite.id:
        raise ValidationError("welcome.group-suite", "the group has another suite")
    public = PublicGroup.of_group_info(info, ratchet_tree)
    check_successor(secrets.psk_ids, predecessor, public)
    own_leaf = _own_leaf(public.tree, own)
    keys = _private_keys(suite, public.tree, own_leaf, own, info.signer, secrets.path_secret)
    epoch_secret = joiner.epoch_secret(suite, public.context.encoded)
    state = MemberState.enter(public, own_leaf, own.signature_private, keys, epoch_secret, psks)
    if not state.is_confirmed():
        raise SecretError("welcome.confirmation-tag", "a Welcome has a wrong confirmation tag")
    return state


def _own_leaf(tree: RatchetTree, own: KeyPackageSecrets) -> int:
    for leaf_index, leaf in tree.leaves():
        if leaf == own.package.leaf_node:
            return leaf_index
    raise ValidationError("welcome.own-leaf", "the tree has no leaf of the key package")


def _private_keys(
    suite: Suite,
    tree: RatchetTree,
    own_leaf: int,
    own: KeyPackageSecrets,
    signer: int,
    path_secret: bytes | None,
) -> PrivateKeys:
    keys = {2 * own_leaf: own.encryption_private}
    if path_secret is None:
        return keys
    shared = tree_math.common_ancestor(2 * own_leaf, 2 * signer)
    above = (shared, *tree_math.direct_path(shared, tree.width))
    nodes = [node for node in above if tree.node(node) is not None]
    opened = PathSecrets.derive(suite, nodes, path_secret)
    opened.check_against(tree)
    return {**keys, **opened.keys_by_node()}
