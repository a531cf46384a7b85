"""Going: by rank, by one's own will, by revocation, by the word of the server."""

from coterie.governance import makers
from coterie.governance.rules.rule import Rule
from coterie.governance.warrants import (
    RevokeStatement,
    ServerStatementKind,
    Warrant,
    sign_leave,
    sign_revoke,
    sign_server_statement,
)
from coterie.protocol.roles import Rank
from tests.governance.cases.case import accepted, refused
from tests.governance.people import Device, Person
from tests.governance.scene import Offer, Scene, garden, pair

ACCOUNT_ENDED = ServerStatementKind.ACCOUNT_ENDED
DEVICE_REVOKED = ServerStatementKind.DEVICE_REVOKED


def _removes(scene: Scene, by: Person, *devices: Device, warrants: tuple[Warrant, ...]) -> Offer:
    leaves = [scene.chat.leaf_of(device) for device in devices]
    extensions = scene.extensions(scene.state, leaves)
    return scene.offer(
        scene.chat.commit(by.first, removes=leaves, extensions=extensions, warrants=warrants)
    )


# --- by rank


@accepted
def a_moderator_kicks_a_member_with_all_devices() -> Offer:
    scene = garden()
    scene.bring_device(scene.member.new_device())
    return scene.commit(scene.moderator, removes=[scene.member])


@accepted
def an_admin_kicks_a_moderator_whose_role_and_links_fall() -> Offer:
    scene = garden()
    scene.open_link(scene.moderator)
    return scene.commit(scene.admin, removes=[scene.moderator])


@refused(Rule.REMOVE_RIGHT)
def a_member_kicks_a_member() -> Offer:
    scene = garden()
    other = scene.bring(Person.new("sam"))
    return scene.commit(scene.member, removes=[other])


@refused(Rule.REMOVE_RANK)
def a_moderator_kicks_a_moderator() -> Offer:
    scene = garden()
    other = scene.bring(Person.new("nina"))
    scene.give(other, Rank.MODERATOR)
    return scene.commit(scene.moderator, removes=[other])


@refused(Rule.REMOVE_RANK)
def an_admin_kicks_the_owner() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, removes=[scene.owner])


@refused(Rule.REMOVE_RANK)
def a_moderator_removes_an_own_other_device_by_rank() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.moderator.new_device())
    return _removes(scene, scene.moderator, device, warrants=())


@refused(Rule.REMOVE_WHOLE)
def a_moderator_kicks_one_of_two_devices() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    return _removes(scene, scene.moderator, device, warrants=())


@refused(Rule.REMOVE_WHOLE)
def a_moderator_kicks_and_adds_the_same_person() -> Offer:
    scene = garden()
    device = scene.member.new_device()
    package = device.package().package
    return scene.offer(
        scene.chat.commit(
            scene.moderator.first,
            adds=[package],
            removes=scene.chat.leaves_of(scene.member),
            warrants=[device.list_item(), scene.chat.acceptance(device, package)],
        )
    )


@refused(Rule.REMOVE_RIGHT)
def the_other_is_removed_from_a_direct_conversation() -> Offer:
    """Attack F21."""
    chat, one, other = pair()
    chat.adopt(other.first, chat.enter(other.first, [other.first.list_item()]))
    pending = chat.commit(one.first, removes=[chat.leaf_of(other.first)])
    return chat.public, pending.commit


# --- by one's own will


@accepted
def a_member_commits_that_another_left() -> Offer:
    """Attack F4: any member may, for nobody can remove their own leaf."""
    scene = garden()
    other = scene.bring(Person.new("sam"))
    return scene.commit(scene.member, removes=[other], warrants=[scene.leaving(other)])


@accepted
def a_member_commits_that_the_owner_left_and_the_admin_succeeds() -> Offer:
    scene = garden()
    return scene.commit(scene.member, removes=[scene.owner], warrants=[scene.leaving(scene.owner)])


@accepted
def the_admin_commits_that_a_member_left_with_two_devices() -> Offer:
    scene = garden()
    scene.bring_device(scene.member.new_device())
    return scene.commit(scene.admin, removes=[scene.member], warrants=[scene.leaving(scene.member)])


@refused(Rule.REMOVE_LEAVE)
def a_leave_statement_is_by_somebody_else() -> Offer:
    scene = garden()
    seats = scene.chat.seats_of(scene.owner)
    forged = sign_leave(scene.member.first.seed, scene.chat.group_id, seats)
    return scene.commit(scene.member, removes=[scene.owner], warrants=[forged])


@refused(Rule.REMOVE_LEAVE)
def a_leave_statement_is_of_another_group() -> Offer:
    scene = garden()
    seats = scene.chat.seats_of(scene.owner)
    elsewhere = sign_leave(scene.owner.first.seed, bytes(16), seats)
    return scene.commit(scene.member, removes=[scene.owner], warrants=[elsewhere])


@refused(Rule.REMOVE_RIGHT)
def a_leave_statement_is_from_before_a_resync() -> Offer:
    scene = garden()
    statement = scene.leaving(scene.admin)
    device = scene.admin.first
    resync = scene.chat.enter(device, removes=[scene.chat.leaf_of(device)])
    del scene.chat.groups[device]
    scene.chat.adopt(device, resync)
    return scene.commit(scene.member, removes=[scene.admin], warrants=[statement])


@refused(Rule.REMOVE_WHOLE)
def a_stolen_device_lets_the_others_leave() -> Offer:
    """Attack F3: a thief would evict the honest devices, without being the earlier one."""
    scene = garden()
    stolen = scene.bring_device(scene.member.new_device())
    honest = scene.member.first
    statement = sign_leave(stolen.seed, scene.chat.group_id, [scene.chat.seat_of(honest)])
    return _removes(scene, scene.owner, honest, warrants=(statement,))


# --- by revocation


@accepted
def a_device_is_revoked_by_the_identity() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    return _removes(scene, scene.admin, device, warrants=(scene.member.revoke(device),))


@accepted
def a_device_is_revoked_by_an_earlier_one() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    return _removes(scene, scene.member, device, warrants=(_revoking(scene, device),))


def _revoking(scene: Scene, device: Device, by: Device | None = None) -> RevokeStatement:
    seed = (by or device.person.first).seed
    return sign_revoke(seed, scene.chat.group_id, scene.chat.seat_of(device))


@accepted
def a_provisional_device_falls_with_its_issuer() -> Offer:
    scene = garden()
    issuer = scene.bring_device(scene.member.new_device())
    provisional = scene.bring_device(scene.member.approve(issuer))
    statement = _revoking(scene, issuer)
    return _removes(scene, scene.moderator, issuer, provisional, warrants=(statement,))


@refused(Rule.REMOVE_REVOKE)
def an_earlier_device_is_revoked_by_a_later_one() -> Offer:
    """Attack F3: a thief would evict the honest devices."""
    scene = garden()
    stolen = scene.bring_device(scene.member.new_device())
    statement = _revoking(scene, scene.member.first, by=stolen)
    return _removes(scene, scene.owner, scene.member.first, warrants=(statement,))


@refused(Rule.REMOVE_REVOKE)
def a_device_is_revoked_by_a_provisional_one() -> Offer:
    scene = garden()
    provisional = scene.bring_device(scene.member.approve(scene.member.first, 1_500))
    device = scene.bring_device(scene.member.new_device(2_000))
    statement = _revoking(scene, device, by=provisional)
    return _removes(scene, scene.owner, device, warrants=(statement,))


@refused(Rule.REMOVE_REVOKE)
def a_device_is_revoked_by_somebody_else() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    statement = _revoking(scene, device, by=scene.owner.first)
    return _removes(scene, scene.owner, device, warrants=(statement,))


@refused(Rule.REMOVE_REVOKE)
def a_revoke_statement_is_of_another_group() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    seat = scene.chat.seat_of(device)
    elsewhere = sign_revoke(scene.member.first.seed, bytes(16), seat)
    return _removes(scene, scene.owner, device, warrants=(elsewhere,))


@refused(Rule.REMOVE_RIGHT)
def a_device_is_removed_that_the_list_names_active() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    return _removes(scene, scene.member, device, warrants=(device.list_item(),))


@refused(Rule.REMOVE_LAST)
def a_revocation_takes_the_last_leaf() -> Offer:
    scene = garden()
    revoked = scene.member.revoke(scene.member.first)
    return _removes(scene, scene.owner, scene.member.first, warrants=(revoked,))


# --- by the word of the server


@accepted
def the_server_ends_an_account() -> Offer:
    scene = garden()
    statement = scene.chat.statement(ACCOUNT_ENDED, scene.moderator.key)
    return scene.commit(scene.member, removes=[scene.moderator], warrants=[statement])


@accepted
def the_server_ends_the_owners_account_and_the_admin_succeeds() -> Offer:
    """What the server can do, says the threat model: depose an owner, in public."""
    scene = garden()
    statement = scene.chat.statement(ACCOUNT_ENDED, scene.owner.key)
    return scene.commit(scene.member, removes=[scene.owner], warrants=[statement])


@accepted
def the_server_revokes_a_device() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    statement = scene.chat.statement(DEVICE_REVOKED, scene.chat.seat_of(device))
    return _removes(scene, scene.moderator, device, warrants=(statement,))


@accepted
def the_last_leaf_of_the_other_goes_from_a_direct_conversation() -> Offer:
    chat, one, other = pair()
    chat.adopt(other.first, chat.enter(other.first, [other.first.list_item()]))
    statement = chat.statement(ACCOUNT_ENDED, other.key)
    pending = chat.commit(one.first, removes=[chat.leaf_of(other.first)], warrants=[statement])
    return chat.public, pending.commit


@refused(Rule.REMOVE_SERVER)
def a_server_statement_is_by_another_key() -> Offer:
    """Attack F4: a member kicks in the name of the server."""
    scene = garden()
    forged = sign_server_statement(
        scene.member.first.seed, ACCOUNT_ENDED, scene.chat.group_id, scene.owner.key
    )
    return scene.commit(scene.member, removes=[scene.owner], warrants=[forged])


@refused(Rule.REMOVE_SERVER)
def a_server_statement_is_of_another_group() -> Offer:
    scene = garden()
    elsewhere = sign_server_statement(
        scene.chat.server_seed, ACCOUNT_ENDED, bytes(16), scene.owner.key
    )
    return scene.commit(scene.member, removes=[scene.owner], warrants=[elsewhere])


@refused(Rule.REMOVE_WHOLE)
def an_ended_account_keeps_a_device() -> Offer:
    scene = garden()
    device = scene.bring_device(scene.member.new_device())
    statement = scene.chat.statement(ACCOUNT_ENDED, scene.member.key)
    return _removes(scene, scene.owner, device, warrants=(statement,))


@refused(Rule.REMOVE_LAST)
def the_server_revokes_the_last_device() -> Offer:
    scene = garden()
    seat = scene.chat.seat_of(scene.member.first)
    statement = scene.chat.statement(DEVICE_REVOKED, seat)
    return _removes(scene, scene.owner, scene.member.first, warrants=(statement,))


# --- what removals entail


@refused(Rule.SETTLE_OWNER)
def the_owner_left_and_nobody_succeeds() -> Offer:
    scene = garden()
    return scene.unsettled(
        scene.member, None, removes=[scene.owner], warrants=[scene.leaving(scene.owner)]
    )


@refused(Rule.SETTLE_OWNER)
def the_owner_left_and_who_commits_it_succeeds() -> Offer:
    scene = garden()
    usurped = makers.with_role(
        makers.without_own(scene.state, scene.owner.key),
        scene.member.key,
        Rank.OWNER,
        scene.chat.next_epoch,
    )
    return scene.unsettled(
        scene.member, usurped, removes=[scene.owner], warrants=[scene.leaving(scene.owner)]
    )


@refused(Rule.SETTLE_ROLES)
def a_kicked_moderator_keeps_the_role() -> Offer:
    scene = garden()
    return scene.unsettled(scene.admin, None, removes=[scene.moderator])


@refused(Rule.ROLE_SINCE)
def a_successor_began_before() -> Offer:
    scene = garden()
    state = makers.with_role(
        makers.without_own(scene.state, scene.owner.key), scene.admin.key, Rank.OWNER, 1
    )
    return scene.unsettled(
        scene.member, state, removes=[scene.owner], warrants=[scene.leaving(scene.owner)]
    )


@refused(Rule.SETTLE_INVITES)
def a_kicked_moderators_link_stays_open() -> Offer:
    scene = garden()
    scene.open_link(scene.moderator)
    dropped = scene.with_role(scene.moderator, Rank.MEMBER)
    return scene.unsettled(scene.admin, dropped, removes=[scene.moderator])


@refused(Rule.SETTLE_INVITES)
def a_demoted_moderators_link_stays_open() -> Offer:
    scene = garden()
    scene.open_link(scene.moderator)
    return scene.unsettled(scene.admin, scene.with_role(scene.moderator, Rank.MEMBER))
