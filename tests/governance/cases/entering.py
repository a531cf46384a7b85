"""Entering: by a link, as a device, by resync, by a member's hand."""

import msgspec

from coterie.governance import makers
from coterie.governance.rules.rule import Rule
from coterie.governance.signatures import public_key
from coterie.governance.warrants import (
    Acceptance,
    DeviceListItem,
    JoinProof,
    Warrant,
    sign_acceptance,
)
from coterie.protocol.roles import Inviters, Rank
from tests.governance.cases.case import accepted, refused
from tests.governance.people import Device, Person
from tests.governance.scene import Offer, Scene, alone, garden, pair

# --- by a link


@accepted
def somebody_joins_by_a_link() -> Offer:
    scene = garden()
    return scene.offer(scene.chat.join(Person.new("sam").first, scene.link))


@accepted
def somebody_joins_by_a_members_link_where_members_may_invite() -> Offer:
    scene = garden()
    policy = makers.with_policy(scene.state, inviters=Inviters.MEMBERS)
    scene.chat.write(scene.owner.first, policy)
    link = scene.open_link(scene.member)
    return scene.offer(scene.chat.join(Person.new("sam").first, link))


@refused(Rule.LIST_VALID)
def a_device_list_is_forged() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    forged = msgspec.structs.replace(stranger.person.devices, version=7, prev_hash=bytes((1,)) * 32)
    items = [scene.chat.proof(scene.link, stranger), DeviceListItem(forged)]
    return scene.offer(scene.chat.enter(stranger, items))


@refused(Rule.LIST_VALID)
def a_device_list_is_of_nobody_here() -> Offer:
    scene = garden()
    items = [Person.new("sam").first.list_item()]
    return scene.offer(scene.chat.commit(scene.member.first, warrants=items, force_path=True))


@refused(Rule.LIST_VALID)
def two_device_lists_are_of_one_identity() -> Offer:
    scene = garden()
    first = scene.member.first.list_item()
    scene.member.new_device()
    items = [first, scene.member.first.list_item()]
    return scene.offer(scene.chat.commit(scene.member.first, warrants=items, force_path=True))


@refused(Rule.ENTER_DEVICE_LIST)
def somebody_joins_without_a_device_list() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    return scene.offer(scene.chat.enter(stranger, [scene.chat.proof(scene.link, stranger)]))


@refused(Rule.ENTER_DEVICE_LIST)
def a_revoked_device_enters() -> Offer:
    """Attack F3: the server resurrects a device, with the newest list."""
    scene = garden()
    device = scene.member.new_device()
    scene.member.revoke(device)
    return scene.offer(scene.chat.enter(device, [device.list_item()]))


@refused(Rule.ENTER_DEVICE_LIST)
def a_device_enters_that_the_list_does_not_name() -> Offer:
    scene = garden()
    before = scene.member.first.list_item()
    return scene.offer(scene.chat.enter(scene.member.new_device(), [before]))


def _bans(scene: Scene, person: Person) -> None:
    state = makers.with_ban(scene.state, person.key, Rank.OWNER, [scene.link_key])
    scene.chat.write(scene.owner.first, state)


@refused(Rule.ENTER_BANNED)
def somebody_banned_joins_by_a_link() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    _bans(scene, stranger)
    return scene.offer(scene.chat.join(stranger.first, scene.link))


@refused(Rule.ENTER_BANNED)
def somebody_banned_is_added_in_the_commit_that_lifts_the_ban() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    _bans(scene, stranger)
    package = stranger.first.package().package
    pending = scene.chat.commit(
        scene.owner.first,
        adds=[package],
        state=makers.without_ban(scene.state, stranger.key),
        warrants=[stranger.first.list_item(), scene.chat.acceptance(stranger.first, package)],
    )
    return scene.offer(pending)


@refused(Rule.JOIN_MEMBER)
def a_member_joins_once_more_with_a_further_device() -> Offer:
    scene = garden()
    return scene.offer(scene.chat.join(scene.member.new_device(), scene.link))


@refused(Rule.JOIN_INVITE)
def somebody_joins_by_a_link_that_was_closed() -> Offer:
    """Attack F8: the server goes on serving a revoked link."""
    scene = garden()
    scene.chat.write(scene.owner.first, makers.without_invites(scene.state, [scene.link_key]))
    return scene.offer(scene.chat.join(Person.new("sam").first, scene.link))


@refused(Rule.JOIN_INVITE)
def somebody_joins_by_a_link_whose_creator_was_banned() -> Offer:
    """Attack F8: banning the creator closes the link."""
    scene = garden()
    link = scene.open_link(scene.moderator)
    state = makers.with_ban(scene.state, scene.moderator.key, Rank.OWNER, [public_key(link)])
    scene.chat.write(scene.owner.first, state, removes=scene.chat.leaves_of(scene.moderator))
    return scene.offer(scene.chat.join(Person.new("sam").first, link))


def _joins_by_a_link_forged_for(scene: Scene, creator: Person) -> Offer:
    """In a state that no accepted commit leads to: the rule stands by itself."""
    link = scene.chat.dice.throw()
    state = makers.with_invite(scene.state, public_key(link), creator.key)
    scene.chat.adopt(scene.owner.first, scene.chat.commit(scene.owner.first, state=state))
    return scene.offer(scene.chat.join(Person.new("sam").first, link))


@refused(Rule.JOIN_INVITE)
def somebody_joins_by_a_link_whose_creator_has_no_leaf() -> Offer:
    return _joins_by_a_link_forged_for(garden(), Person.new("gone"))


@refused(Rule.JOIN_INVITE)
def somebody_joins_by_a_link_whose_creator_may_not_invite() -> Offer:
    scene = garden()
    return _joins_by_a_link_forged_for(scene, scene.member)


@refused(Rule.JOIN_PROOF)
def a_proof_is_replayed_in_a_later_epoch() -> Offer:
    """Attack F8: a kicked device comes back with its old proof."""
    scene, stranger = garden(), Person.new("sam")
    items: list[Warrant] = [
        scene.chat.proof(scene.link, stranger.first),
        stranger.first.list_item(),
    ]
    scene.bring(stranger)
    scene.chat.write(scene.owner.first, scene.state, removes=scene.chat.leaves_of(stranger))
    return scene.offer(scene.chat.enter(stranger.first, items))


@refused(Rule.JOIN_PROOF)
def a_proof_is_used_by_another_device() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    proof = scene.chat.proof(scene.link, stranger.first)
    device = stranger.new_device()
    return scene.offer(scene.chat.enter(device, [proof, device.list_item()]))


@refused(Rule.JOIN_PROOF)
def a_proof_is_by_another_key_than_it_says() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    proof = scene.chat.proof(scene.chat.dice.throw(), stranger)
    claimed = JoinProof(scene.link_key, proof.signature)
    return scene.offer(scene.chat.enter(stranger, [claimed, stranger.list_item()]))


# --- as a device


@accepted
def a_member_brings_a_further_device() -> Offer:
    scene = garden()
    device = scene.member.new_device()
    return scene.offer(scene.chat.enter(device, [device.list_item()]))


@accepted
def a_member_brings_a_provisional_device() -> Offer:
    scene = garden()
    return scene.offer(scene.chat.enter(scene.member.approve(scene.member.first)))


@refused(Rule.ENTER_DEVICE_LIST)
def a_provisional_device_enters_that_a_list_revokes() -> Offer:
    scene = garden()
    device = scene.member.approve(scene.member.first)
    devices = scene.member.devices.with_device(
        scene.member.identity_seed, device.device_id, device.key, 3_000
    ).with_revoked(scene.member.identity_seed, device.device_id, 3_500)
    return scene.offer(scene.chat.enter(device, [DeviceListItem(devices)]))


@refused(Rule.DEVICE_MEMBER)
def a_stranger_enters_without_a_proof() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    return scene.offer(scene.chat.enter(stranger, [stranger.list_item()]))


@refused(Rule.DEVICE_MEMBER)
def somebody_who_was_kicked_brings_a_device() -> Offer:
    scene = garden()
    scene.chat.write(scene.owner.first, scene.state, removes=scene.chat.leaves_of(scene.member))
    device = scene.member.new_device()
    return scene.offer(scene.chat.enter(device, [device.list_item()]))


# --- by resync


def _resyncs(scene: Scene, device: Device, old: Device, seat: bytes | None = None) -> Offer:
    removes = [scene.chat.leaf_of(old)]
    return scene.offer(scene.chat.enter(device, removes=removes, seat=seat))


@accepted
def a_device_resyncs() -> Offer:
    scene = garden()
    return _resyncs(scene, scene.member.first, scene.member.first)


@accepted
def the_owner_resyncs_and_stays_owner() -> Offer:
    scene = garden()
    return _resyncs(scene, scene.owner.first, scene.owner.first)


@refused(Rule.RESYNC_SAME)
def a_link_holder_takes_the_owners_leaf() -> Offer:
    """Attack F7."""
    scene, stranger = garden(), Person.new("sam").first
    items = [scene.chat.proof(scene.link, stranger), stranger.list_item()]
    removes = [scene.chat.leaf_of(scene.owner.first)]
    return scene.offer(scene.chat.enter(stranger, items, removes=removes))


@refused(Rule.RESYNC_SAME)
def a_member_takes_the_leaf_of_an_own_other_device() -> Offer:
    scene = garden()
    other = scene.bring_device(scene.member.new_device())
    return _resyncs(scene, scene.member.new_device(), other)


@refused(Rule.RESYNC_SEAT)
def a_resync_keeps_the_seat() -> Offer:
    """Else a leave statement from before would still hold."""
    scene = garden()
    seat = scene.chat.seat_of(scene.member.first)
    return _resyncs(scene, scene.member.first, scene.member.first, seat)


# --- by a member's hand


def _adds(scene: Scene, by: Person, device: Device, *items: Warrant) -> Offer:
    package = device.package().package
    warrants = [device.list_item(), scene.chat.acceptance(device, package), *items]
    return scene.offer(scene.chat.commit(by.first, adds=[package], warrants=warrants))


@accepted
def a_moderator_adds_somebody() -> Offer:
    scene = garden()
    return _adds(scene, scene.moderator, Person.new("sam").first)


@accepted
def a_package_is_added_whose_lifetime_is_over() -> Offer:
    """Who adds looks at a clock, and the server; accept does not."""
    scene, stranger = garden(), Person.new("sam").first
    package = stranger.package(lifetime=(0, 1)).package
    warrants = [stranger.list_item(), scene.chat.acceptance(stranger, package)]
    return scene.offer(
        scene.chat.commit(scene.moderator.first, adds=[package], warrants=warrants, now=1)
    )


@accepted
def a_moderator_adds_somebody_with_two_devices() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    devices = [stranger.first, stranger.new_device()]
    packages = [device.package().package for device in devices]
    acceptances = map(scene.chat.acceptance, devices, packages)
    warrants = [stranger.first.list_item(), *acceptances]
    return scene.offer(scene.chat.commit(scene.moderator.first, adds=packages, warrants=warrants))


@accepted
def a_moderator_adds_a_further_device_of_a_member() -> Offer:
    scene = garden()
    return _adds(scene, scene.moderator, scene.member.new_device())


@accepted
def a_member_adds_an_own_device() -> Offer:
    scene = garden()
    device = scene.member.new_device()
    return scene.offer(
        scene.chat.commit(
            scene.member.first, adds=[device.package().package], warrants=[device.list_item()]
        )
    )


@refused(Rule.ADD_RIGHT)
def a_member_adds_somebody() -> Offer:
    scene = garden()
    return _adds(scene, scene.member, Person.new("sam").first)


@refused(Rule.ADD_ACCEPTANCE)
def somebody_is_added_who_has_not_accepted() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    package = stranger.package().package
    return scene.offer(
        scene.chat.commit(scene.moderator.first, adds=[package], warrants=[stranger.list_item()])
    )


@refused(Rule.ADD_ACCEPTANCE)
def somebody_is_added_who_accepted_another_group() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    package = stranger.package().package
    reference = package.reference(scene.chat.public.suite)
    elsewhere = sign_acceptance(stranger.seed, bytes(16), scene.state.genesis, reference)
    return scene.offer(
        scene.chat.commit(
            scene.moderator.first, adds=[package], warrants=[stranger.list_item(), elsewhere]
        )
    )


@refused(Rule.ADD_ACCEPTANCE)
def an_acceptance_is_signed_by_the_adder() -> Offer:
    scene, stranger = garden(), Person.new("sam").first
    package = stranger.package().package
    reference = package.reference(scene.chat.public.suite)
    forged: Acceptance = sign_acceptance(
        scene.moderator.first.seed, scene.chat.group_id, scene.state.genesis, reference
    )
    return scene.offer(
        scene.chat.commit(
            scene.moderator.first, adds=[package], warrants=[stranger.list_item(), forged]
        )
    )


# --- in a direct conversation


@accepted
def the_other_is_added_to_a_direct_conversation() -> Offer:
    chat, one, other = pair()
    pending = chat.commit(
        one.first, adds=[other.first.package().package], warrants=[other.first.list_item()]
    )
    return chat.public, pending.commit


@accepted
def the_other_enters_a_direct_conversation_as_a_device() -> Offer:
    chat, _, other = pair()
    return chat.public, chat.enter(other.first, [other.first.list_item()]).commit


@refused(Rule.DEVICE_MEMBER)
def a_third_person_enters_a_direct_conversation() -> Offer:
    chat, _, _ = pair()
    third = Person.new("sam").first
    return chat.public, chat.enter(third, [third.list_item()]).commit


# --- in a conversation with oneself


@accepted
def an_own_device_is_added_to_a_conversation_with_oneself() -> Offer:
    chat, one = alone()
    added = one.new_device()
    pending = chat.commit(one.first, adds=[added.package().package], warrants=[added.list_item()])
    return chat.public, pending.commit


@accepted
def an_own_device_enters_a_conversation_with_oneself() -> Offer:
    chat, one = alone()
    further = one.new_device()
    return chat.public, chat.enter(further, [further.list_item()]).commit


@refused(Rule.TREE_DIRECT)
def somebody_is_added_to_a_conversation_with_oneself() -> Offer:
    chat, one = alone()
    other = Person.new("emil").first
    pending = chat.commit(one.first, adds=[other.package().package], warrants=[other.list_item()])
    return chat.public, pending.commit


@refused(Rule.DEVICE_MEMBER)
def somebody_enters_a_conversation_of_another_with_themselves() -> Offer:
    chat, _ = alone()
    other = Person.new("emil").first
    return chat.public, chat.enter(other, [other.list_item()]).commit
