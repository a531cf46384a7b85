"""A group of 2,000 leaves, made of bytes alone: `accept` does not look at old leaves again."""

from dataclasses import replace

from coterie.governance.certificates import Certificate, CertificateType
from coterie.governance.leaves import CAPABILITIES, seat_extension
from coterie.governance.warrants import encode_warrants
from coterie.mls import Add, Commit, KeyPackage, LeafNode, PublicGroup, RatchetTree, Sender
from coterie.mls.codec import opaque, uint8, uint16, uint64
from coterie.mls.extensions import encode_extensions
from coterie.mls.framing import AuthenticatedContent, FramedContent, PublicMessage, WireFormat
from tests.governance.people import MLS_SUITE, Conversation, Person
from tests.governance.scene import Offer


def the_owner_adds_a_device_to(leaf_count: int) -> Offer:
    """To a group of so many leaves; the commit has no path."""
    owner = Person.new("olivia")
    public = _with_strangers(Conversation(owner.first).public, leaf_count - 1)
    device = owner.new_device()
    items = encode_warrants([device.list_item()])
    return public, _add_commit(public, owner.first.seed, device.package().package, items)


def _with_strangers(public: PublicGroup, count: int) -> PublicGroup:
    tree, _ = public.tree.added([_stranger(number) for number in range(1, count + 1)])
    context = replace(public.context, tree_hash=tree.tree_hash(MLS_SUITE))
    return PublicGroup.of(context, RatchetTree.decode(tree.encode()), public.confirmation_tag)


def _stranger(number: int) -> LeafNode:
    """A leaf with a certificate and signatures of zeros."""
    key = number.to_bytes(32, "big")
    seat = seat_extension(number.to_bytes(16, "big"))
    return LeafNode.decode(
        opaque(key)
        + opaque(key)
        + uint16(1)
        + opaque(_certificate(number).encode())
        + CAPABILITIES.encode()
        + uint8(1)
        + uint64(0)
        + uint64(0)
        + encode_extensions([seat])
        + opaque(bytes(64))
    )


def _certificate(number: int) -> Certificate:
    person = Person.new("sam").first.certificate
    return Certificate(
        CertificateType.IDENTITY,
        type(person.user_id)(int=number),
        type(person.user_id)(int=number),
        number.to_bytes(32, "big"),
        0,
        bytes(64),
    )


def _add_commit(public: PublicGroup, seed: bytes, package: KeyPackage, items: bytes) -> bytes:
    framed = FramedContent.of(
        public.group_id, public.epoch, Sender.member(0), items, Commit((Add(package),), None)
    )
    context = public.context.encoded
    signed = AuthenticatedContent.sign(MLS_SUITE, WireFormat.PUBLIC_MESSAGE, framed, context, seed)
    return PublicMessage(signed.confirmed(bytes(32)), bytes(32)).encode()
