"""Commits that public state alone can refuse (RFC 9420 §6.1, §7.3, §12.2, §12.4.2).

Each forgery comes from a member who signs and tags it properly, so what is refused is its content.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from coterie.mls import (
    Add,
    ExternalInit,
    Group,
    GroupContextExtensions,
    MLSError,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    RequiredCapabilities,
    ResumptionPSK,
    ResumptionUsage,
    Sender,
    SenderType,
    Update,
    UpdatePath,
    WrongEpoch,
    WrongGroup,
)
from coterie.mls.proposals import ProposalReference
from tests.mls.clients import capabilities, create, exported, key_package, with_members
from tests.mls.forger import (
    PathEdit,
    Sealed,
    altered,
    commit_in,
    commit_of,
    frame,
    on_leaf,
    on_node,
    on_secrets,
    path_in,
    resigned,
    state_of,
)
from tests.mls.refusals import refused

KEY = bytes.fromhex("85" * 31 + "05")
NONCE = bytes(32)
RE_INIT = ReInit(b"next", 1, 1, ())


@pytest.fixture(scope="module")
def members() -> list[Group]:
    return with_members(["ann", "bela", "chen", "dana"])


def path_of(group: Group) -> UpdatePath:
    """A path valid for a commit that changes nothing else."""
    return path_in(group.commit(force_path=True))


def test_another_group_or_epoch_is_refused(members: list[Group]) -> None:
    ann, bela, *_ = members
    empty = frame(ann, Remove(1), group_id=b"another group")
    with refused("framing.group", WrongGroup):
        bela.process_message(empty)
    commit = bela.commit(force_path=True)
    with refused("framing.epoch", WrongEpoch):
        commit.group.public.stage(commit.commit)
    with refused("framing.epoch", WrongEpoch):
        ann.public.stage(commit.group.commit(force_path=True).commit)
    with refused("framing.group", WrongGroup):
        create().public.stage(frame(ann, Remove(1), group_id=b"another group"))


def test_only_a_member_signs_for_a_member(members: list[Group]) -> None:
    ann, bela, chen, _ = members
    by_another = frame(ann, Remove(2), sender=Sender.member(bela.own_leaf))
    with refused("framing.signature"):
        chen.process_message(by_another)
    for leaf_index in (6, 2**32 - 1):
        nobody = frame(ann, Remove(1), sender=Sender.member(leaf_index))
        with refused("sender.member"):
            chen.process_message(nobody)


def test_every_flipped_bit_and_truncation_of_a_commit_is_refused(members: list[Group]) -> None:
    """And the genuine commit is processed after all of them."""
    ann, bela, *_ = members
    pending = ann.commit(removes=[3], authenticated_data=b"reason")
    before = bela.encode()
    for place in range(0, 8 * len(pending.commit), 29):
        _refuses(bela, _flipped(pending.commit, place))
    for length in range(0, len(pending.commit), 41):
        _refuses(bela, pending.commit[:length])
    _refuses(bela, pending.commit + b"\x00")
    assert bela.encode() == before
    assert exported(bela.process(pending.commit)) == exported(pending.group)
    staged = bela.public.stage(pending.commit)
    assert exported(bela.process_staged(staged)) == exported(pending.group)


def test_what_was_judged_in_one_epoch_is_not_processed_in_another(members: list[Group]) -> None:
    ann, bela, *_ = members
    staged = bela.public.stage(ann.commit(force_path=True).commit)
    later = bela.process(ann.commit(force_path=True).commit)
    for other in (later, create()):
        with refused("framing.epoch", WrongEpoch):
            other.process_staged(staged)


def _flipped(data: bytes, place: int) -> bytes:
    flipped = bytearray(data)
    flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)


def _refuses(group: Group, commit: bytes) -> None:
    with pytest.raises(MLSError):
        group.process(commit)
    with pytest.raises(MLSError):
        group.process_staged(group.public.stage(commit))


def test_a_proposal_is_no_commit(members: list[Group]) -> None:
    ann, bela, *_ = members
    with refused("commit.content"):
        ann.public.stage(frame(bela, Remove(1)))
    with refused("commit.content"):
        ann.process(frame(bela, Remove(1)))


def test_only_members_and_joiners_commit(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = ann.commit(force_path=True)
    for kind in (SenderType.EXTERNAL, SenderType.NEW_MEMBER_PROPOSAL):
        index = 0 if kind is SenderType.EXTERNAL else None
        with refused("commit.sender"):
            bela.public.stage(frame(ann, commit_in(pending), sender=Sender(kind, index)))


@pytest.mark.parametrize(
    ("check", "proposals"),
    [
        ("list.own-remove", [Remove(0)]),
        ("list.leaf-once", [Remove(1), Remove(1)]),
        ("list.external-init", [ExternalInit(KEY)]),
        ("list.one-extensions", [GroupContextExtensions(()), GroupContextExtensions(())]),
        ("list.reinit-alone", [RE_INIT, Remove(1)]),
        ("proposal.reinit-version", [replace(RE_INIT, version=0)]),
        (
            "proposal.psk-usage",
            [PreSharedKey(ResumptionPSK(ResumptionUsage.BRANCH, b"group", 1, NONCE))],
        ),
        (
            "psk.nonce",
            [PreSharedKey(ResumptionPSK(ResumptionUsage.APPLICATION, b"group", 1, b"short"))],
        ),
        (
            "psk.unique",
            [PreSharedKey(ResumptionPSK(ResumptionUsage.APPLICATION, b"group", 1, NONCE))] * 2,
        ),
        ("remove.member", [Remove(7)]),
        ("commit.path", [Remove(1)]),
        ("commit.path", []),
        ("commit.path", [GroupContextExtensions(())]),
        ("commit.reference", [ProposalReference(NONCE)]),
    ],
)
def test_lists_that_may_not_be_committed(
    members: list[Group], check: str, proposals: list[Proposal | ProposalReference]
) -> None:
    ann, bela, *_ = members
    with refused(check):
        bela.public.stage(commit_of(ann, *proposals))


def test_update_by_value_is_refused(members: list[Group]) -> None:
    """By value, its sender would be the committer (§12.2)."""
    ann, bela, *_ = members
    leaf = ann.public.tree.leaf(0)
    assert leaf is not None
    with refused("list.own-update"):
        bela.public.stage(commit_of(ann, Update(leaf), path=path_of(ann)))


def test_added_packages_are_verified(members: list[Group]) -> None:
    ann, bela, *_ = members
    good = key_package("erin").package
    forged = type(good).decode(good.encoded[:-1] + bytes((good.encoded[-1] ^ 1,)))
    with refused("key-package.signature"):
        bela.public.stage(commit_of(ann, Add(forged)))
    with refused("key-package.suite"):
        bela.public.stage(commit_of(ann, Add(key_package("erin", 3).package)))


def test_nobody_is_in_a_group_twice(members: list[Group]) -> None:
    ann, bela, *_ = members
    seed = bytes(range(32))
    twins = [Add(key_package("erin", signature_private=seed).package) for _ in range(2)]
    with refused("tree.signature-keys"):
        bela.public.stage(commit_of(ann, *twins))
    again = key_package("bela", signature_private=state_of(bela).signature_private)
    with refused("tree.signature-keys"):
        bela.public.stage(commit_of(ann, Add(again.package)))
    with refused("tree.signature-keys"):
        ann.commit(adds=[again.package])


def test_removed_and_added_again_in_one_commit_is_one_member(members: list[Group]) -> None:
    ann, bela, chen, _ = members
    again = key_package("chen", signature_private=state_of(chen).signature_private)
    pending = ann.commit(removes=[chen.own_leaf], adds=[again.package])
    assert bela.public.stage(pending.commit).added == (chen.own_leaf,)


def test_lifetime_binds_who_adds_but_not_who_processes(members: list[Group]) -> None:
    ann, bela, *_ = members
    package = key_package("erin", lifetime=(1000, 2000)).package
    with refused("key-package.lifetime"):
        ann.commit(adds=[package])
    pending = ann.commit(adds=[package], now=1500)
    assert bela.process(pending.commit).public == pending.group.public


def test_a_new_extension_needs_the_support_of_all() -> None:
    ann, bela = with_members(["ann", "bela"], extensions=[(0xF0C0, b"one")])
    changed = ann.commit(group_context_extensions=[(0xF0C0, b"two")])
    assert bela.public.stage(changed.commit).group_context_extensions == ((0xF0C0, b"two"),)
    assert bela.process(changed.commit).public.extensions == ((0xF0C0, b"two"),)
    with refused("support.extensions"):
        ann.commit(group_context_extensions=[(0xF0C1, b"")])
    with refused("support.extensions"):
        ann.commit(adds=[key_package("chen").package])
    required = RequiredCapabilities(proposals=(0xF0C7,)).encode()
    with refused("support.proposals"):
        ann.commit(group_context_extensions=[(3, required)])


def test_support_is_judged_after_the_removes() -> None:
    """Who leaves in the same commit need not support the new extension (§12.1.7)."""
    ann = create(extensions=[(0xF0C0, b"")])
    with_it = ann.commit(group_context_extensions=[]).group
    bela = key_package("bela").package
    both = with_it.commit(adds=[bela]).group
    with refused("support.extensions"):
        both.commit(group_context_extensions=[(0xF0C0, b"")])
    assert both.commit(group_context_extensions=[(0xF0C0, b"")], removes=[1]).group.epoch == 3


def forged_path(group: Group, change: PathEdit) -> bytes:
    return altered(group, group.commit(force_path=True), change)


def test_path_leaf_was_made_for_a_commit(members: list[Group]) -> None:
    ann, bela, *_ = members
    leaf = key_package("ann").package.leaf_node
    with refused("path.source"):
        bela.public.stage(forged_path(ann, on_leaf(lambda _: leaf)))


def test_path_leaf_signs_its_group_and_place(members: list[Group]) -> None:
    ann, bela, *_ = members
    for change in (
        on_leaf(lambda leaf: resigned(ann, leaf, group_id=b"another group")),
        on_leaf(lambda leaf: resigned(ann, leaf, leaf_index=1)),
    ):
        with refused("leaf.signature"):
            bela.public.stage(forged_path(ann, change))


def test_path_brings_fresh_keys(members: list[Group]) -> None:
    ann, bela, *_ = members
    for owner, check in ((0, "leaf.key-kept"), (3, "tree.encryption-keys")):
        key = ann.public.tree.encryption_key(2 * owner)
        kept = on_leaf(lambda leaf, key=key: resigned(ann, leaf, encryption_key=key))
        with refused(check):
            bela.public.stage(forged_path(ann, kept))


def test_path_leaf_leads_to_the_new_parents(members: list[Group]) -> None:
    ann, bela, *_ = members
    for change in (
        on_leaf(lambda leaf: resigned(ann, leaf, parent_hash=bytes(32))),
        on_node(0, lambda node: replace(node, encryption_key=KEY)),
    ):
        with refused("path.parent-hash"):
            bela.public.stage(forged_path(ann, change))


def test_path_leaf_supports_what_the_group_uses() -> None:
    """Erratum 8745: not only who is added, who updates too."""
    ann, bela = with_members(["ann", "bela"], extensions=[(0xF0C0, b"")])
    poorer = on_leaf(lambda leaf: resigned(ann, leaf, capabilities=capabilities(1)))
    with refused("support.extensions"):
        bela.public.stage(forged_path(ann, poorer))


def test_path_has_one_key_per_filtered_node(members: list[Group]) -> None:
    ann, bela, *_ = members
    path = path_of(ann)
    for nodes in (path.nodes[:-1], (*path.nodes, path.nodes[0])):
        with refused("path.length"):
            bela.public.stage(commit_of(ann, path=replace(path, nodes=nodes)))


UNOPENABLE: list[tuple[str, Callable[[Sealed], Sealed]]] = [
    ("path.recipients", lambda sealed: ()),
    ("path.recipients", lambda sealed: sealed * 2),
    ("path.ciphertext", lambda sealed: (replace(sealed[0], ciphertext=bytes(47)),)),
    ("key.hpke", lambda sealed: (replace(sealed[0], kem_output=bytes(32)),)),
]


@pytest.mark.parametrize(("check", "change"), UNOPENABLE)
def test_path_has_one_openable_secret_per_recipient(
    members: list[Group], check: str, change: Callable[[Sealed], Sealed]
) -> None:
    """What evidently cannot be opened would wedge honest members."""
    ann, bela, *_ = members
    with refused(check):
        bela.public.stage(forged_path(ann, on_secrets(0, change)))


def test_path_keys_are_ones_that_can_be_sealed_to(members: list[Group]) -> None:
    ann, bela, *_ = members
    small = on_node(0, lambda node: replace(node, encryption_key=bytes(32)))
    with refused("key.hpke"):
        bela.public.stage(forged_path(ann, small))


def test_a_member_added_in_the_commit_is_no_recipient(members: list[Group]) -> None:
    """He learns the path secret from his Welcome (§7.6); a secret for him is one too many."""
    ann, bela, *_ = members
    pending = ann.commit(adds=[key_package("erin").package], removes=[3])
    sealed_to = [len(node.encrypted_path_secrets) for node in path_in(pending).nodes]
    assert sealed_to == [1, 1], "bela; chen, but not erin in dana's place"
    with refused("path.recipients"):
        bela.public.stage(altered(ann, pending, on_secrets(1, lambda sealed: sealed * 2)))


def test_a_group_has_a_last_epoch() -> None:
    ann = create()
    last = replace(ann.public.context, epoch=2**64 - 1)
    with refused("context.epoch"):
        last.next(last.tree_hash, ())
