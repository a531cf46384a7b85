"""deserialization, messages, message-protection."""

import pytest

from coterie.mls import Commit, GroupContext, GroupInfo, KeyPackage, RatchetTree, Welcome, suite
from coterie.mls.codec import Reader, decode, length_prefix
from coterie.mls.framing import (
    AuthenticatedContent,
    Content,
    FramedContent,
    PublicMessage,
    Sender,
    WireFormat,
    encode_content,
)
from coterie.mls.messages import decode_message
from coterie.mls.private_message import PrivateMessage
from coterie.mls.proposals import read_proposal
from coterie.mls.secret_tree import SecretTree
from coterie.mls.suites import Suite
from coterie.mls.welcome import GroupSecrets
from tests.mls.vector_files import Vector, official, unhex

SENDER = 1


def test_deserialization() -> None:
    for vector in official("deserialization", minimum=14):
        header, length = unhex(vector["vlbytes_header"]), vector["length"]
        assert decode(Reader.length, header) == length
        assert length_prefix(length) == header


def test_messages_decode_and_encode_to_the_same_bytes() -> None:
    for vector in official("messages", minimum=300):
        _check_envelopes(vector)
        _check_proposals(vector)
        tree, secrets = unhex(vector["ratchet_tree"]), unhex(vector["group_secrets"])
        assert RatchetTree.decode(tree).encode() == tree
        assert decode(GroupSecrets.read, secrets).encode() == secrets
        commit = unhex(vector["commit"])
        assert decode(Commit.read, commit).encode() == commit


def _check_envelopes(vector: Vector) -> None:
    welcome, info = unhex(vector["mls_welcome"]), unhex(vector["mls_group_info"])
    assert Welcome.decode(welcome).encoded == welcome
    decoded = GroupInfo.decode(info)
    assert decoded.encoded == info
    package = decode_message(unhex(vector["mls_key_package"]))
    assert isinstance(package, KeyPackage)
    assert package.encoded == unhex(vector["mls_key_package"])[4:]
    for name in (
        "public_message_application",
        "public_message_proposal",
        "public_message_commit",
        "private_message",
    ):
        message = decode_message(unhex(vector[name]))
        assert isinstance(message, PublicMessage | PrivateMessage)
        assert message.encode() == unhex(vector[name]), name


def _check_proposals(vector: Vector) -> None:
    kinds = {
        "add_proposal": 1,
        "update_proposal": 2,
        "remove_proposal": 3,
        "pre_shared_key_proposal": 4,
        "re_init_proposal": 5,
        "external_init_proposal": 6,
        "group_context_extensions_proposal": 7,
    }
    for name, kind in kinds.items():
        encoded = kind.to_bytes(2, "big") + unhex(vector[name])
        assert decode(read_proposal, encoded).encode() == encoded, name


@pytest.mark.parametrize("name", ["proposal", "commit", "application"])
def test_message_protection(name: str) -> None:
    for vector in official("message-protection", minimum=2):
        used = suite(vector["cipher_suite"])
        content = _content(name, unhex(vector[name]))
        _check_private(used, vector, content, unhex(vector[f"{name}_priv"]))
        if name != "application":
            _check_public(used, vector, content, unhex(vector[f"{name}_pub"]))


def _content(name: str, data: bytes) -> Content:
    if name == "application":
        return data
    return decode(read_proposal if name == "proposal" else Commit.read, data)


def _context(vector: Vector) -> bytes:
    return GroupContext(
        1,
        vector["cipher_suite"],
        unhex(vector["group_id"]),
        vector["epoch"],
        unhex(vector["tree_hash"]),
        unhex(vector["confirmed_transcript_hash"]),
        (),
    ).encoded


def _sign(used: Suite, vector: Vector, content: Content, wire: WireFormat) -> AuthenticatedContent:
    framed = FramedContent.of(
        unhex(vector["group_id"]), vector["epoch"], Sender.member(SENDER), b"", content
    )
    private = unhex(vector["signature_priv"])[:32]
    signed = AuthenticatedContent.sign(used, wire, framed, _context(vector), private)
    return signed.confirmed(bytes(32)) if isinstance(content, Commit) else signed


def _check_content(
    used: Suite, vector: Vector, authenticated: AuthenticatedContent, content: Content
) -> None:
    public = unhex(vector["signature_pub"])
    authenticated.verify_signature(used, public, _context(vector))
    assert encode_content(authenticated.framed.content) == encode_content(content)
    assert authenticated.framed.sender == Sender.member(SENDER)


def _check_public(used: Suite, vector: Vector, content: Content, theirs: bytes) -> None:
    key, context = unhex(vector["membership_key"]), _context(vector)
    signed = _sign(used, vector, content, WireFormat.PUBLIC_MESSAGE)
    ours = PublicMessage(signed, signed.membership_tag(used, key, context)).encode()
    for data in (theirs, ours):
        message = decode_message(data)
        assert isinstance(message, PublicMessage)
        assert message.has_membership_tag(used, key, context)
        _check_content(used, vector, message.authenticated, content)


def _check_private(used: Suite, vector: Vector, content: Content, theirs: bytes) -> None:
    secret = unhex(vector["sender_data_secret"])
    tree = SecretTree.of(unhex(vector["encryption_secret"]), 2)
    signed = _sign(used, vector, content, WireFormat.PRIVATE_MESSAGE)
    sealed, _ = PrivateMessage.seal(used, secret, tree, signed, padding=100)
    for data in (theirs, sealed.encode()):
        message = decode_message(data)
        assert isinstance(message, PrivateMessage)
        authenticated, _ = message.unseal(used, secret, tree)
        _check_content(used, vector, authenticated, content)
