"""Messages within an epoch: application data, proposals sent ahead, who may send what."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.mls import (
    Add,
    DecodeError,
    ExternalInit,
    Group,
    GroupContextExtensions,
    MLSError,
    Remove,
    SecretError,
    Sender,
    SenderType,
    Update,
    WrongEpoch,
    WrongGroup,
)
from coterie.mls.codec import opaque, uint16, uint32, uint64, vector
from coterie.mls.framing import AuthenticatedContent, FramedContent, WireFormat
from coterie.mls.limits import MAX_COMMIT_BYTES, MAX_GENERATION_GAP
from coterie.mls.messages import decode_message
from coterie.mls.nodes import LeafNode
from coterie.mls.private_message import PrivateMessage, sender_data_key
from coterie.mls.suites import signature_public_key
from tests.mls.clients import (
    SUITE_IDS,
    capabilities,
    create,
    exported,
    key_package,
    with_members,
)
from tests.mls.forger import commit_of, frame, state_of
from tests.mls.refusals import refused

SERVER = bytes(range(32))
EXTERNAL_SENDERS = (
    5,
    vector([opaque(signature_public_key(SERVER)) + uint16(1) + opaque(b"server")]),
)


def test_application_data_arrives_and_is_read_once() -> None:
    for suite_id in SUITE_IDS:
        ann, bela = with_members(["ann", "bela"], suite_id)
        message, ann = ann.protect(b"hello", b"header", padding=40)
        received = bela.process_message(message)
        assert (received.content, received.authenticated_data) == (b"hello", b"header")
        assert received.sender == Sender.member(ann.own_leaf)
        with refused("secret-tree.replay", SecretError):
            received.group.process_message(message)


def test_messages_out_of_order_are_read_and_restored_state_repeats_no_key() -> None:
    ann, bela = with_members(["ann", "bela"])
    messages: list[bytes] = []
    for number in range(5):
        message, ann = ann.protect(b"%d" % number)
        ann = Group.decode(ann.encode())
        messages.append(message)
    for number in (4, 0, 3, 1, 2):
        received = bela.process_message(messages[number])
        assert received.content == b"%d" % number
        bela = Group.decode(received.group.encode())
    for message in messages:
        with refused("secret-tree.replay", SecretError):
            bela.process_message(message)


def test_a_forged_ciphertext_burns_no_key() -> None:
    ann, bela = with_members(["ann", "bela"])
    message, _ = ann.protect(b"hello")
    for place in range(0, 8 * len(message), 13):
        flipped = bytearray(message)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(MLSError):
            bela.process_message(bytes(flipped))
    with refused("aead.open", SecretError):
        bela.process_message(message[:-1] + bytes((message[-1] ^ 1,)))
    assert bela.process_message(message).content == b"hello"


def test_a_sender_far_ahead_is_refused() -> None:
    ann, bela = with_members(["ann", "bela"])
    message = b""
    for _ in range(MAX_GENERATION_GAP + 1):
        message, ann = ann.protect(b"")
    assert bela.process_message(message).content == b""
    message, ann = ann.protect(b"")
    with refused("secret-tree.gap", SecretError):
        bela.process_message(message)


def test_private_message_of_another_group_or_epoch() -> None:
    ann, bela = with_members(["ann", "bela"])
    message, _ = ann.protect(b"hello")
    with refused("framing.epoch", WrongEpoch):
        bela.commit(force_path=True).group.process_message(message)
    other = Group.create(ann.suite, b"another group", key_package("chen"))
    with refused("framing.group", WrongGroup):
        other.process_message(message)


def _private(
    group: Group,
    data: bytes,
    *,
    sender: Sender,
    kind: type[AuthenticatedContent] = AuthenticatedContent,
) -> bytes:
    """Sealed by a member who lies about something."""
    state = state_of(group)
    framed = FramedContent.of(group.group_id, group.epoch, sender, b"", data)
    context, signer = group.public.context.encoded, state.signature_private
    content = kind.sign(group.suite, WireFormat.PRIVATE_MESSAGE, framed, context, signer)
    message, _ = PrivateMessage.seal(
        group.suite, state.secrets.sender_data_secret, state.secret_tree, content
    )
    return message.encode()


def test_a_member_cannot_speak_for_another() -> None:
    ann, bela, chen = with_members(["ann", "bela", "chen"])
    with refused("framing.signature"):
        chen.process_message(_private(ann, b"lie", sender=Sender.member(bela.own_leaf)))
    with refused("sender.member"):
        chen.process_message(_private(ann, b"lie", sender=Sender.member(3)))
    with refused("private.sender"):
        _private(ann, b"lie", sender=Sender(SenderType.NEW_MEMBER_COMMIT))


def test_a_sender_outside_the_tree_is_refused() -> None:
    """The sender's index is sealed apart from the content; a member may seal any."""
    ann, bela = with_members(["ann", "bela"])
    message = decode_message(ann.protect(b"hello")[0])
    assert isinstance(message, PrivateMessage)
    for leaf_index in (2, 2**32 - 1):
        lie = uint32(leaf_index) + bytes(8)
        secret = state_of(ann).secrets.sender_data_secret
        key, nonce = sender_data_key(ann.suite, secret, message.ciphertext)
        header = opaque(ann.group_id) + uint64(ann.epoch) + b"\x01"
        sealed = ann.suite.encrypt(key, nonce, lie, header)
        with refused("sender.member"):
            bela.process_message(replace(message, encrypted_sender_data=sealed).encode())


class Padded(AuthenticatedContent):
    """Padding follows the signature within the ciphertext; this one is not zero."""

    def encode_auth_data(self) -> bytes:
        return AuthenticatedContent.encode_auth_data(self) + b"\x00\x01"


def test_padding_is_zero() -> None:
    ann, bela = with_members(["ann", "bela"])
    with refused("private.padding", DecodeError):
        bela.process_message(
            _private(ann, b"hello", sender=Sender.member(ann.own_leaf), kind=Padded)
        )


def test_application_data_is_never_public() -> None:
    ann, bela = with_members(["ann", "bela"])
    with refused("framing.application"):
        bela.process_message(frame(ann, b"hello"))


def test_proposals_sent_ahead_are_committed_by_reference() -> None:
    ann, bela, chen = with_members(["ann", "bela", "chen"])
    proposal = frame(bela, Add(key_package("dana").package))
    heard = ann.process_message(proposal)
    pending = heard.group.commit(references=[heard.reference], force_path=True)
    with refused("commit.reference"):
        chen.process(pending.commit)
    with refused("commit.reference"):
        ann.commit(references=[heard.reference])
    chen = Group.decode(chen.process_message(proposal).group.encode())
    assert exported(chen.process(pending.commit)) == exported(pending.group)
    with refused("commit.reference"):
        bela.public.stage(pending.commit)


def _update_of(group: Group, *, place: tuple[bytes, int] | None = None) -> Update:
    leaf = group.public.tree.leaf(group.own_leaf)
    assert leaf is not None
    return Update(
        LeafNode.sign(
            group.suite,
            state_of(group).signature_private,
            encryption_key=key_package("fresh").package.leaf_node.encryption_key,
            identity=leaf.identity,
            capabilities=capabilities(group.suite.id),
            extensions=(),
            place=place or (group.group_id, group.own_leaf),
        )
    )


def test_an_update_sent_ahead_replaces_the_leaf() -> None:
    ann, bela, chen = with_members(["ann", "bela", "chen"])
    update = _update_of(bela)
    heard = ann.process_message(frame(bela, update))
    pending = heard.group.commit(references=[heard.reference])
    chen = chen.process_message(frame(bela, update)).group.process(pending.commit)
    assert exported(chen) == exported(pending.group)
    assert chen.public.tree.leaf(bela.own_leaf) == update.leaf_node
    with refused("update.own", SecretError):
        bela.process_message(frame(bela, update)).group.process(pending.commit)


def test_an_update_is_checked_like_any_new_leaf() -> None:
    ann, bela = with_members(["ann", "bela"])
    old = ann.public.tree.leaf(bela.own_leaf)
    assert old is not None
    for check, update in (
        ("update.source", Update(old)),
        ("leaf.signature", _update_of(bela, place=(b"another group", bela.own_leaf))),
    ):
        heard = ann.process_message(frame(bela, update))
        with refused(check):
            heard.group.commit(references=[heard.reference])


def test_own_update_is_not_committed_by_its_sender() -> None:
    ann, _ = with_members(["ann", "bela"])
    heard = ann.process_message(frame(ann, _update_of(ann)))
    with refused("list.own-update"):
        heard.group.commit(references=[heard.reference])


def test_update_and_remove_of_one_leaf_exclude_each_other() -> None:
    ann, bela = with_members(["ann", "bela"])
    heard = ann.process_message(frame(bela, _update_of(bela)))
    with refused("list.leaf-once"):
        heard.group.commit(references=[heard.reference], removes=[bela.own_leaf])


def external(group: Group, proposal: Remove | Update | Add, index: int = 0) -> bytes:
    sender = Sender(SenderType.EXTERNAL, index)
    return frame(group, proposal, sender=sender, signer=SERVER)


def test_external_senders_may_propose() -> None:
    ann = create(extensions=[EXTERNAL_SENDERS])
    ann = ann.commit(adds=[key_package("bela").package]).group
    heard = ann.process_message(external(ann, Remove(1)))
    assert heard.group.commit(references=[heard.reference]).group.public.tree.leaf_count == 1
    with refused("proposal.external"):
        ann.process_message(external(ann, _update_of(ann)))
    with refused("sender.known"):
        ann.process_message(external(ann, Remove(1), index=1))
    with refused("framing.signature"):
        forged = frame(ann, Remove(1), sender=Sender(SenderType.EXTERNAL, 0), signer=bytes(32))
        ann.process_message(forged)


def test_without_external_senders_nobody_outside_proposes() -> None:
    ann, _ = with_members(["ann", "bela"])
    with refused("sender.known"):
        ann.process_message(external(ann, Remove(1)))


def test_a_new_member_may_propose_its_own_add_only() -> None:
    ann, bela = with_members(["ann", "bela"])
    sender = Sender(SenderType.NEW_MEMBER_PROPOSAL)
    own = key_package("chen")
    proposal = frame(ann, Add(own.package), sender=sender, signer=own.signature_private)
    heard = ann.process_message(proposal)
    pending = heard.group.commit(references=[heard.reference])
    bela = bela.process_message(proposal).group.process(pending.commit)
    assert exported(bela) == exported(pending.group)
    with refused("sender.known"):
        ann.process_message(frame(ann, Remove(1), sender=sender, signer=SERVER))


def test_proposals_of_the_wrong_sender_cannot_be_smuggled_into_a_list() -> None:
    ann, bela = with_members(["ann", "bela"])
    heard = ann.process_message(frame(bela, ExternalInit(bytes.fromhex("85" * 31 + "05"))))
    with refused("list.external-init"):
        heard.group.commit(references=[heard.reference])


def test_malformed_messages_do_not_decode() -> None:
    ann, bela = with_members(["ann", "bela"])
    genuine = ann.commit(force_path=True).commit
    for check, message in (
        ("framing.version", b"\x00\x02" + genuine[2:]),
        ("framing.wire-format", b"\x00\x01\x00\x09" + genuine[4:]),
        ("framing.wire-format", ann.group_info()),
        ("framing.enum", genuine[:4] + opaque(ann.group_id) + bytes(8) + b"\x07"),
        ("codec.size", genuine + bytes(MAX_COMMIT_BYTES)),
        ("proposal.type", commit_of(ann, Remove(1)).replace(b"\x01\x00\x03", b"\x01\x00\x08")),
        ("proposal.form", commit_of(ann, Remove(1)).replace(b"\x01\x00\x03", b"\x03\x00\x03")),
    ):
        with refused(check, DecodeError):
            bela.process(message)
    for other in (ann.group_info(), ann.protect(b"")[0]):
        with refused("framing.wire-format", DecodeError):
            bela.public.stage(other)


def test_group_context_extensions_must_parse() -> None:
    ann, _ = with_members(["ann", "bela"])
    for malformed in ((3, b"\x07"), (5, b"\x01\x00")):
        with pytest.raises(DecodeError):
            ann.commit(group_context_extensions=[malformed])
    kept = GroupContextExtensions((EXTERNAL_SENDERS,)).extensions
    assert ann.commit(group_context_extensions=kept).group.public.extensions == kept


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=120))
def test_garbage_raises_nothing_but_mls_errors(garbage: bytes) -> None:
    for prefix in (b"", b"\x00\x01\x00\x01", b"\x00\x01\x00\x02"):
        with pytest.raises(MLSError):
            _ALONE.process(prefix + garbage)


_ALONE = create()
