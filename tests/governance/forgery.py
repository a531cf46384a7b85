"""Commits that no honest maker builds, right by every rule of MLS that public state can judge."""

from collections.abc import Sequence
from dataclasses import replace

from coterie.governance.leaves import CAPABILITIES
from coterie.mls import Capabilities, Extension, ExternalInit, GroupInfo, LeafNode
from coterie.mls.commit_builder import (
    EXTERNAL_COMMITTER,
    Author,
    CommittedProposal,
    build_commit,
)
from coterie.mls.framing import AuthenticatedContent, PublicMessage
from coterie.mls.messages import decode_public_message
from coterie.mls.psk import PskStore
from tests.governance.people import LIFETIME, MLS_SUITE, Conversation, Device

_TAG_BYTES = 1 + 32
ANY_PSK = PskStore({number.to_bytes(2, "big"): bytes(32) for number in range(256)}, {})


def flipped(data: bytes, position: int, flip: int) -> bytes:
    return data[:position] + bytes((data[position] ^ flip,)) + data[position + 1 :]


def tag_bytes(commit: bytes) -> int:
    """How many bytes at the end of a commit are tags, with their lengths: for members to check."""
    message = decode_public_message(commit)
    return _TAG_BYTES if message.membership_tag is None else 2 * _TAG_BYTES


def forge(
    conversation: Conversation,
    device: Device,
    proposals: Sequence[CommittedProposal] = (),
    *,
    identity: bytes | None = None,
    leaf_seed: bytes | None = None,
    capabilities: Capabilities = CAPABILITIES,
    extensions: Sequence[Extension] | None = None,
    authenticated_data: bytes = b"",
) -> bytes:
    """A member's commit with any proposals, whose path's leaf says what it should not.

    MLS makes the path's leaf from the author's own; here that one is forged. With `leaf_seed` the
    leaf gets another signature key; the commit is then signed again with the true one.
    """
    author = _author(conversation, device)
    vessel = LeafNode.sign(
        MLS_SUITE,
        device.seed,
        encryption_key=author.leaf.encryption_key,
        identity=author.leaf.identity if identity is None else identity,
        capabilities=capabilities,
        extensions=author.leaf.extensions if extensions is None else extensions,
        lifetime=LIFETIME,
    )
    forger = replace(author, leaf=vessel, signature_private=leaf_seed or device.seed, psks=ANY_PSK)
    built = build_commit(
        forger, proposals, authenticated_data=authenticated_data, force_path=True, now=1
    )
    return _signed_by(device, conversation, built.authenticated)


def _author(conversation: Conversation, device: Device) -> Author:
    group = conversation.groups[device]
    return group._state.author()  # pyright: ignore[reportPrivateUsage]


def _signed_by(device: Device, conversation: Conversation, content: AuthenticatedContent) -> bytes:
    group = conversation.groups[device]
    context = group.public.context.encoded
    signed = AuthenticatedContent.sign(
        MLS_SUITE, content.wire_format, content.framed, context, device.seed
    ).confirmed(content.confirmation_tag or b"")
    key = group._state.secrets.membership_key  # pyright: ignore[reportPrivateUsage]
    return PublicMessage(signed, signed.membership_tag(MLS_SUITE, key, context)).encode()


def forge_external(
    conversation: Conversation,
    device: Device,
    proposals: Sequence[CommittedProposal],
    *,
    authenticated_data: bytes,
) -> bytes:
    """An external commit with further proposals beside the ExternalInit."""
    inviter = next(iter(conversation.groups.values()))
    external_pub = GroupInfo.decode(inviter.group_info()).external_pub
    assert external_pub is not None
    kem_output, init_secret = MLS_SUITE.external_init_sender(external_pub)
    vessel = device.package().package.leaf_node
    author = Author(
        conversation.public, EXTERNAL_COMMITTER, vessel, device.seed, init_secret, ANY_PSK
    )
    built = build_commit(
        author,
        [ExternalInit(kem_output), *proposals],
        authenticated_data=authenticated_data,
        force_path=True,
        now=1,
    )
    return built.message(None, b"")
