"""GroupInfo: signed by its signer's leaf, and of exactly this epoch (RFC 9420 §12.4.3)."""

from dataclasses import replace

import pytest

from coterie.mls import (
    DecodeError,
    ExtensionType,
    Group,
    GroupContext,
    GroupInfo,
    MLSError,
    PublicGroup,
    SecretError,
)
from coterie.mls.codec import opaque
from tests.mls.clients import with_members
from tests.mls.forger import state_of
from tests.mls.refusals import refused


@pytest.fixture(scope="module")
def members() -> list[Group]:
    return with_members(["ann", "bela", "chen"])


def signed(group: Group, info: GroupInfo) -> bytes:
    return GroupInfo.sign(
        group.suite,
        state_of(group).signature_private,
        info.context,
        info.extensions,
        info.confirmation_tag,
        info.signer,
    ).encoded


def info_of(group: Group, *, with_tree: bool = True) -> GroupInfo:
    return GroupInfo.decode(group.group_info(with_tree=with_tree))


def test_anyones_genuine_one_is_verified(members: list[Group]) -> None:
    ann, *_ = members
    for member in members:
        for with_tree in (True, False):
            info = member.group_info(with_tree=with_tree)
            assert ann.verify_group_info(info).signer == member.own_leaf
            assert ann.public.verify_group_info(info).context == ann.public.context


def test_signature_must_be_by_the_signers_own_leaf(members: list[Group]) -> None:
    """Not by just any member: a signer index that is not the author's is refused."""
    ann, bela, _ = members
    in_anothers_name = signed(bela, info_of(ann))
    for verify in (ann.public.verify_group_info, PublicGroup.from_group_info):
        with refused("group-info.signature"):
            verify(in_anothers_name)


def test_signer_must_be_a_member(members: list[Group]) -> None:
    ann, *_ = members
    for signer in (3, 2**32 - 1):
        with refused("group-info.signer"):
            PublicGroup.from_group_info(signed(ann, replace(info_of(ann), signer=signer)))


def test_every_flipped_bit_is_refused(members: list[Group]) -> None:
    ann, *_ = members
    genuine = ann.group_info()
    for place in range(0, 8 * len(genuine), 61):
        flipped = bytearray(genuine)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(MLSError):
            PublicGroup.from_group_info(bytes(flipped))


def test_other_state_of_the_same_epoch_is_refused(members: list[Group]) -> None:
    ann, *_ = members
    info = info_of(ann)
    for context in (
        replace(info.context, epoch=2),
        replace(info.context, confirmed_transcript_hash=bytes(32)),
        replace(info.context, extensions=((0xF0C0, b""),)),
    ):
        with refused("group-info.context"):
            ann.public.verify_group_info(signed(ann, replace(info, context=context)))
    with refused("group-info.tag"):
        ann.public.verify_group_info(signed(ann, replace(info, confirmation_tag=bytes(32))))


def test_tree_inside_must_be_the_groups(members: list[Group]) -> None:
    ann, *_ = members
    info = info_of(ann, with_tree=False)
    other = with_members(["ann", "bela"])[0].public.tree.encode()
    forged = replace(info, extensions=((ExtensionType.RATCHET_TREE, other),))
    with refused("group-info.tree"):
        ann.public.verify_group_info(signed(ann, forged))


def test_false_external_pub_shows_to_members_only(members: list[Group]) -> None:
    """It would wedge the group at the next external commit; whoever is a member can tell."""
    ann, bela, _ = members
    other = info_of(with_members(["eve"])[0]).external_pub
    assert other is not None
    info = info_of(bela, with_tree=False)
    forged = signed(bela, replace(info, extensions=((ExtensionType.EXTERNAL_PUB, opaque(other)),)))
    ann.public.verify_group_info(forged)
    with refused("group-info.external-pub", SecretError):
        ann.verify_group_info(forged)


def test_unusable_external_pub_shows_to_everybody(members: list[Group]) -> None:
    ann, *_ = members
    info = info_of(ann, with_tree=False)
    small = replace(info, extensions=((ExtensionType.EXTERNAL_PUB, opaque(bytes(32))),))
    with refused("key.hpke"):
        ann.public.verify_group_info(signed(ann, small))


def test_context_of_another_version_does_not_decode(members: list[Group]) -> None:
    ann, *_ = members
    encoded = ann.public.context.encoded
    assert GroupContext.decode(encoded) == ann.public.context
    with refused("context.version", DecodeError):
        GroupContext.decode(b"\x00\x02" + encoded[2:])
