"""External commits: exactly the shapes RFC 9420 §12.2 and §12.4.3.2 allow."""

import secrets
from dataclasses import replace

import pytest

from coterie.mls import (
    Add,
    Commit,
    DecodeError,
    ExternalInit,
    Group,
    GroupContextExtensions,
    PendingCommit,
    Proposal,
    Remove,
    SecretError,
    Sender,
    SenderType,
)
from coterie.mls.proposals import ProposalReference
from tests.mls.clients import capabilities, exported, key_package, with_members
from tests.mls.forger import commit_in, frame, state_of
from tests.mls.refusals import refused

JOINER = Sender(SenderType.NEW_MEMBER_COMMIT)
SIGNER = bytes(range(32))


@pytest.fixture(scope="module")
def members() -> list[Group]:
    return with_members(["ann", "bela", "chen"])


def entry(group: Group, *removes: int, signer: bytes = SIGNER) -> PendingCommit:
    return Group.join_externally(
        group.group_info(), b"dana", signer, capabilities=capabilities(1), removes=removes
    )


def reframed(group: Group, commit: Commit, signer: bytes = SIGNER) -> bytes:
    return frame(group, commit, sender=JOINER, signer=signer)


def with_proposals(pending: PendingCommit, *proposals: Proposal | ProposalReference) -> Commit:
    return replace(commit_in(pending), proposals=proposals)


def test_exactly_one_external_init(members: list[Group]) -> None:
    ann, *_ = members
    pending = entry(ann)
    (init,) = commit_in(pending).proposals
    for proposals in ([], [init, init]):
        with refused("external.init"):
            ann.public.stage(reframed(ann, with_proposals(pending, *proposals)))


def test_its_kem_output_is_usable(members: list[Group]) -> None:
    ann, *_ = members
    forged = with_proposals(entry(ann), ExternalInit(bytes(32)))
    with refused("key.hpke"):
        ann.public.stage(reframed(ann, forged))


def test_at_most_one_remove_and_nothing_else(members: list[Group]) -> None:
    ann, *_ = members
    pending = entry(ann)
    (init,) = commit_in(pending).proposals
    with refused("external.one-remove"):
        ann.public.stage(reframed(ann, with_proposals(pending, init, Remove(1), Remove(2))))
    for other in (Add(key_package("erin").package), GroupContextExtensions(())):
        with refused("external.kinds"):
            ann.public.stage(reframed(ann, with_proposals(pending, init, other)))


def test_nothing_by_reference(members: list[Group]) -> None:
    ann, *_ = members
    pending = entry(ann)
    (init,) = commit_in(pending).proposals
    with refused("external.by-value"):
        ann.public.stage(reframed(ann, with_proposals(pending, init, ProposalReference(bytes(32)))))


def test_it_has_a_path_and_is_signed_by_the_paths_leaf(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = entry(ann)
    with refused("external.path"):
        ann.public.stage(reframed(ann, replace(commit_in(pending), path=None)))
    with refused("framing.signature"):
        ann.public.stage(reframed(ann, commit_in(pending), signer=state_of(bela).signature_private))


def test_a_member_does_not_enter_twice(members: list[Group]) -> None:
    ann, bela, *_ = members
    seed = state_of(bela).signature_private
    with refused("tree.signature-keys"):
        entry(ann, signer=seed)
    assert entry(ann, bela.own_leaf, signer=seed).group.public.tree.leaf_count == 3


def test_joiner_supports_what_the_group_uses() -> None:
    ann, _ = with_members(["ann", "bela"], extensions=[(0xF0C0, b"")])
    with refused("support.extensions"):
        entry(ann)


def test_group_info_must_offer_external_commits(members: list[Group]) -> None:
    ann, *_ = members
    with refused("external.pub"):
        Group.join_externally(
            ann.group_info(with_external_pub=False),
            b"dana",
            SIGNER,
            capabilities=capabilities(1),
        )
    with refused("group-info.tree-missing"):
        Group.join_externally(
            ann.group_info(with_tree=False), b"dana", SIGNER, capabilities=capabilities(1)
        )
    with refused("framing.wire-format", DecodeError):
        Group.join_externally(
            ann.commit(force_path=True).commit, b"dana", SIGNER, capabilities=capabilities(1)
        )


def test_who_followed_the_group_enters_exactly_the_epoch_followed(members: list[Group]) -> None:
    ann, bela, *_ = members
    pending = Group.join_externally(
        ann.group_info(with_tree=False),
        b"dana",
        SIGNER,
        capabilities=capabilities(1),
        followed=bela.public,
    )
    assert exported(ann.process(pending.commit)) == exported(pending.group)
    with refused("group-info.context"):
        Group.join_externally(
            ann.commit(force_path=True).group.group_info(),
            b"dana",
            SIGNER,
            capabilities=capabilities(1),
            followed=bela.public,
        )


def test_joiner_takes_the_leftmost_blank_leaf(members: list[Group]) -> None:
    ann, bela, chen = members
    removal = ann.commit(removes=[bela.own_leaf])
    pending = entry(removal.group)
    assert pending.group.own_leaf == 1
    chen = chen.process(removal.commit).process(pending.commit)
    assert exported(chen) == exported(pending.group)


def test_joiner_with_a_false_external_pub_fails_in_its_secret_half(members: list[Group]) -> None:
    """Publicly it is valid; members, who know the true key, refuse it and stay."""
    ann, bela, _ = members
    other = with_members(["eve"])[0]
    true, false = ann.group_info(), other.group_info()
    assert true != false
    pending = entry(ann)
    forged_init = ExternalInit(_kem_output_for(other))
    forged = reframed(ann, with_proposals(pending, forged_init))
    bela.public.stage(forged)
    with refused("commit.confirmation-tag", SecretError):
        bela.process(forged)
    assert exported(bela.process(pending.commit)) == exported(pending.group)


def _kem_output_for(group: Group) -> bytes:
    (init,) = commit_in(entry(group, signer=secrets.token_bytes(32))).proposals
    assert isinstance(init, ExternalInit)
    return init.kem_output
