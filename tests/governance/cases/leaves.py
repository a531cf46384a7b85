"""Leaves that enter or are renewed, and the tree they make."""

import msgspec

from coterie.governance.certificates import certify
from coterie.governance.leaves import CAPABILITIES, LAST_RESORT, SEAT_EXTENSION, seat_extension
from coterie.governance.rules.rule import Rule
from coterie.governance.signatures import public_key
from coterie.governance.warrants import DeviceListItem, sign_revoke
from coterie.mls import Capabilities, Extension, KeyPackageSecrets
from coterie.protocol import limits
from tests.governance.cases.case import accepted, refused
from tests.governance.forgery import forge
from tests.governance.people import Device, Person
from tests.governance.scene import Offer, Scene, garden, pair

SMALL_ORDER_KEY = bytes((1,)) + bytes(31)
"""The neutral element: with R the same and S = 0 it signs everything, say some libraries."""


def _joins(
    scene: Scene,
    device: Device,
    *,
    identity: bytes | None = None,
    capabilities: Capabilities = CAPABILITIES,
    leaf_extensions: list[Extension] | None = None,
    seat: bytes | None = None,
) -> Offer:
    items = [scene.chat.proof(scene.link, device), device.list_item()]
    return scene.offer(
        scene.chat.enter(
            device,
            items,
            identity=identity,
            capabilities=capabilities,
            leaf_extensions=leaf_extensions,
            seat=seat,
        )
    )


def _adds(scene: Scene, device: Device, package: KeyPackageSecrets) -> Offer:
    items = [device.list_item(), scene.chat.acceptance(device, package.package)]
    return scene.offer(
        scene.chat.commit(scene.moderator.first, adds=[package.package], warrants=items)
    )


# --- the leaf


@refused(Rule.LEAF_CREDENTIAL)
def a_credential_is_no_certificate() -> Offer:
    return _joins(garden(), Person.new("sam").first, identity=b"sam@example.org")


@refused(Rule.LEAF_CREDENTIAL)
def a_byte_follows_a_certificate() -> Offer:
    stranger = Person.new("sam").first
    return _joins(garden(), stranger, identity=stranger.certificate.encode() + b"\x00")


@refused(Rule.LEAF_CERTIFICATE)
def a_certificate_is_for_another_device_key() -> Offer:
    stranger = Person.new("sam")
    other = stranger.new_device()
    return _joins(garden(), stranger.first, identity=other.certificate.encode())


@refused(Rule.LEAF_CERTIFICATE)
def the_server_certifies_a_device_in_the_owners_name() -> Offer:
    """Attack F1, with the owner's true key, which the server cannot sign with."""
    scene = garden()
    ghost = Person.new("ghost").first
    forged = certify(scene.chat.server_seed, scene.owner.user_id, ghost.device_id, ghost.key, 1_000)
    claimed = msgspec.structs.replace(forged, identity_key=scene.owner.key)
    items = [scene.owner.first.list_item()]
    return scene.offer(scene.chat.enter(ghost, items, identity=claimed.encode()))


@refused(Rule.LEAF_KEYS)
def an_identity_key_has_small_order() -> Offer:
    """Attack F12: some Ed25519 libraries accept this signature by this key, some do not."""
    stranger = Person.new("sam").first
    crafted = msgspec.structs.replace(
        stranger.certificate,
        identity_key=SMALL_ORDER_KEY,
        signature=SMALL_ORDER_KEY + bytes(32),
    )
    return _joins(garden(), stranger, identity=crafted.encode())


@refused(Rule.LEAF_CAPABILITIES)
def a_leaf_lists_a_greased_capability() -> Offer:
    greased = Capabilities(
        versions=(1,),
        cipher_suites=(1,),
        extensions=(*CAPABILITIES.extensions, 0x0A0A),
        proposals=(),
        credentials=(1,),
    )
    return _joins(garden(), Person.new("sam").first, capabilities=greased)


@refused(Rule.LEAF_EXTENSIONS)
def a_leaf_carries_a_further_extension() -> Offer:
    extensions = [seat_extension(bytes(16)), (1, b"application id")]
    return _joins(garden(), Person.new("sam").first, leaf_extensions=extensions)


@refused(Rule.LEAF_EXTENSIONS)
def a_seat_has_15_bytes() -> Offer:
    extensions = [(SEAT_EXTENSION, bytes(15))]
    return _joins(garden(), Person.new("sam").first, leaf_extensions=extensions)


@refused(Rule.PACKAGE_EXTENSIONS)
def a_package_carries_an_extension() -> Offer:
    stranger = Person.new("sam").first
    return _adds(garden(), stranger, stranger.package(extensions=[(1, b"application id")]))


@accepted
def a_package_of_last_resort_is_added() -> Offer:
    stranger = Person.new("sam").first
    return _adds(garden(), stranger, stranger.package(extensions=[(LAST_RESORT, b"")]))


# --- the path


@refused(Rule.PATH_KEPT)
def a_path_takes_over_the_owners_certificate() -> Offer:
    """Attack F1, by a member."""
    scene = garden()
    identity = scene.owner.first.certificate.encode()
    return scene.offer(forge(scene.chat, scene.member.first, identity=identity))


@refused(Rule.PATH_KEPT)
def a_path_names_another_user() -> Offer:
    """Attack F1, by a member who certifies the victim's user_id with the own identity."""
    scene = garden()
    mine = scene.member
    forged = certify(
        mine.identity_seed, scene.owner.user_id, mine.first.device_id, mine.first.key, 1_000
    )
    return scene.offer(forge(scene.chat, mine.first, identity=forged.encode()))


@refused(Rule.PATH_KEPT)
def a_path_changes_the_signature_key() -> Offer:
    scene = garden()
    seed = scene.member.dice.throw()
    mine = scene.member
    renewed = certify(mine.identity_seed, mine.user_id, mine.first.device_id, public_key(seed), 1)
    commit = forge(scene.chat, mine.first, identity=renewed.encode(), leaf_seed=seed)
    return scene.offer(commit)


@refused(Rule.PATH_KEPT)
def a_path_changes_the_seat() -> Offer:
    scene = garden()
    extensions = [seat_extension(bytes(16))]
    return scene.offer(forge(scene.chat, scene.member.first, extensions=extensions))


@refused(Rule.PATH_KEPT)
def a_path_changes_the_capabilities() -> Offer:
    scene = garden()
    wider = Capabilities((1,), (1, 3), CAPABILITIES.extensions, (), (1,))
    return scene.offer(forge(scene.chat, scene.member.first, capabilities=wider))


def _provisional(scene: Scene) -> Device:
    return scene.bring_device(scene.member.approve(scene.member.first))


@accepted
def a_path_certifies_a_provisional_device() -> Offer:
    scene = garden()
    device = _provisional(scene)
    certified = certify(
        scene.member.identity_seed,
        scene.member.user_id,
        device.device_id,
        device.key,
        device.certificate.created_at,
    )
    return scene.offer(forge(scene.chat, device, identity=certified.encode()))


@refused(Rule.PATH_KEPT)
def a_path_certifies_a_provisional_device_as_older() -> Offer:
    scene = garden()
    device = _provisional(scene)
    certified = certify(
        scene.member.identity_seed, scene.member.user_id, device.device_id, device.key, 1
    )
    return scene.offer(forge(scene.chat, device, identity=certified.encode()))


@refused(Rule.LEAF_CERTIFICATE)
def a_path_certifies_a_provisional_device_by_its_own_key() -> Offer:
    scene = garden()
    device = _provisional(scene)
    certified = certify(
        device.seed,
        scene.member.user_id,
        device.device_id,
        device.key,
        device.certificate.created_at,
    )
    claimed = msgspec.structs.replace(certified, identity_key=scene.member.key)
    return scene.offer(forge(scene.chat, device, identity=claimed.encode()))


# --- the tree


@refused(Rule.TREE_IDENTITY)
def a_new_identity_takes_over_the_owners_user_id() -> Offer:
    """Attack F1, as a person who is added."""
    scene, thief = garden(), Person.new("thief")
    thief.user_id = scene.owner.user_id
    device = thief.new_device()
    thief.devices = msgspec.structs.replace(thief.devices, user_id=scene.owner.user_id)
    thief.devices = thief.devices.with_revoked(thief.identity_seed, thief.first.device_id, 1)
    return _adds(scene, device, device.package())


@refused(Rule.TREE_IDENTITY)
def a_member_brings_a_device_under_another_user_id() -> Offer:
    scene = garden()
    mine = scene.member.new_device()
    other = certify(
        scene.member.identity_seed, Person.new("sam").user_id, mine.device_id, mine.key, 2_000
    )
    items = [mine.list_item()]
    return scene.offer(scene.chat.enter(mine, items, identity=other.encode()))


@refused(Rule.TREE_DEVICE)
def somebody_joins_with_a_members_device_id() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    taken = scene.member.first.device_id
    seed, key = stranger.first.seed, stranger.first.key
    certificate = certify(stranger.identity_seed, stranger.user_id, taken, key, 1_000)
    stranger.devices = stranger.devices.with_device(stranger.identity_seed, taken, key, 1_000)
    return _joins(scene, Device(stranger, taken, seed, certificate))


@refused(Rule.TREE_SEAT)
def somebody_joins_at_a_seat_that_is_taken() -> Offer:
    scene = garden()
    taken = scene.chat.seat_of(scene.member.first)
    return _joins(scene, Person.new("sam").first, seat=taken)


@refused(Rule.TREE_USER_LEAVES)
def somebody_brings_an_eleventh_device() -> Offer:
    scene = garden()
    for _ in range(limits.LEAVES_PER_USER - 1):
        scene.bring_device(scene.member.new_device())
    device = scene.member.new_device()
    return scene.offer(scene.chat.enter(device, [device.list_item()]))


@refused(Rule.TREE_ISSUER)
def a_provisional_device_joins_alone() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    device = stranger.approve(stranger.first)
    items = [scene.chat.proof(scene.link, device)]
    return scene.offer(scene.chat.enter(device, items))


@refused(Rule.TREE_ISSUER)
def a_provisional_device_says_it_is_older_than_its_issuer() -> Offer:
    scene = garden()
    device = scene.member.approve(scene.member.first, created_at=1)
    return scene.offer(scene.chat.enter(device))


@refused(Rule.TREE_ISSUER)
def a_provisional_device_vouches_for_another() -> Offer:
    scene = garden()
    device = scene.member.approve(_provisional(scene), created_at=4_000)
    return scene.offer(scene.chat.enter(device))


@refused(Rule.TREE_ISSUER)
def a_revocation_leaves_a_provisional_device_behind() -> Offer:
    scene = garden()
    issuer = scene.bring_device(scene.member.new_device())
    scene.bring_device(scene.member.approve(issuer))
    statement = sign_revoke(
        scene.member.first.seed, scene.chat.group_id, scene.chat.seat_of(issuer)
    )
    removes = [scene.chat.leaf_of(issuer)]
    return scene.offer(scene.chat.commit(scene.member.first, removes=removes, warrants=[statement]))


@refused(Rule.TREE_DIRECT)
def a_third_person_is_added_to_a_direct_conversation() -> Offer:
    chat, one, _ = pair()
    third = Person.new("sam").first
    pending = chat.commit(
        one.first, adds=[third.package().package], warrants=[DeviceListItem(third.person.devices)]
    )
    return chat.public, pending.commit
