"""What of the signed state is changed by whom: roles, links, bans, name and settings."""

from msgspec.structs import replace

from coterie.governance import makers
from coterie.governance.rules.rule import Rule
from coterie.governance.signatures import public_key
from coterie.governance.state import GroupState
from coterie.governance.warrants import ServerStatementKind, sign_server_statement
from coterie.protocol.roles import History, Inviters, Rank
from tests.governance.cases.case import accepted, refused
from tests.governance.cases.leaves import SMALL_ORDER_KEY
from tests.governance.people import Person
from tests.governance.scene import Offer, Scene, garden

LINK_ENDED = ServerStatementKind.LINK_ENDED

# --- roles


@accepted
def the_owner_makes_an_admin() -> Offer:
    scene = garden()
    return scene.commit(scene.owner, scene.with_role(scene.member, Rank.ADMIN))


@accepted
def an_admin_makes_a_moderator() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, scene.with_role(scene.member, Rank.MODERATOR))


@accepted
def an_admin_takes_a_role_and_the_links_fall() -> Offer:
    scene = garden()
    scene.open_link(scene.moderator)
    return scene.commit(scene.admin, scene.with_role(scene.moderator, Rank.MEMBER))


@accepted
def a_moderator_drops_the_own_role_and_link() -> Offer:
    scene = garden()
    scene.open_link(scene.moderator)
    return scene.commit(scene.moderator, makers.without_own(scene.state, scene.moderator.key))


@accepted
def the_owner_hands_over() -> Offer:
    scene = garden()
    return scene.commit(
        scene.owner, makers.with_owner(scene.state, scene.member.key, scene.chat.next_epoch)
    )


@refused(Rule.ROLE_RIGHT)
def a_moderator_makes_a_moderator() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, scene.with_role(scene.member, Rank.MODERATOR))


@refused(Rule.ROLE_RIGHT)
def a_member_makes_themselves_admin() -> Offer:
    scene = garden()
    return scene.commit(scene.member, scene.with_role(scene.member, Rank.ADMIN))


@refused(Rule.ROLE_RANK)
def an_admin_makes_an_admin() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, scene.with_role(scene.member, Rank.ADMIN))


@refused(Rule.ROLE_RANK)
def an_admin_demotes_an_admin() -> Offer:
    scene = garden()
    scene.give(scene.moderator, Rank.ADMIN)
    return scene.commit(scene.admin, scene.with_role(scene.moderator, Rank.MODERATOR))


@refused(Rule.ROLE_RANK)
def an_admin_steps_down_to_moderator() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, scene.with_role(scene.admin, Rank.MODERATOR))


@refused(Rule.SETTLE_ROLES)
def a_role_is_given_to_nobody_here() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, scene.with_role(Person.new("sam"), Rank.ADMIN))


@refused(Rule.ROLE_SINCE)
def a_role_begins_before_it_is_given() -> Offer:
    """Else who succeeds could be arranged."""
    scene = garden()
    return scene.commit(scene.owner, makers.with_role(scene.state, scene.member.key, Rank.ADMIN, 1))


@refused(Rule.STATE_UNEXPLAINED)
def a_role_is_made_older() -> Offer:
    scene = garden()
    roles = tuple(
        replace(entry, since=0) if entry.key == scene.moderator.key else entry
        for entry in scene.state.roles
    )
    return scene.commit(scene.owner, replace(scene.state, roles=roles))


@refused(Rule.TRANSFER_RIGHT)
def an_admin_takes_the_group() -> Offer:
    scene = garden()
    return scene.commit(
        scene.admin, makers.with_owner(scene.state, scene.admin.key, scene.chat.next_epoch)
    )


@refused(Rule.TRANSFER_ADMIN)
def the_owner_hands_over_and_becomes_moderator() -> Offer:
    scene = garden()
    epoch = scene.chat.next_epoch
    handed = makers.with_owner(scene.state, scene.member.key, epoch)
    return scene.commit(
        scene.owner, makers.with_role(handed, scene.owner.key, Rank.MODERATOR, epoch)
    )


@refused(Rule.SETTLE_OWNER)
def the_owner_hands_over_to_nobody_here() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    return scene.unsettled(
        scene.owner, makers.with_owner(scene.state, stranger.key, scene.chat.next_epoch)
    )


# --- links


def _with_link(scene: Scene, creator: Person) -> GroupState:
    key = public_key(scene.chat.dice.throw())
    return makers.with_invite(scene.state, key, creator.key, 1_800_000_000_000)


@accepted
def a_moderator_opens_a_link() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, _with_link(scene, scene.moderator))


@accepted
def a_member_opens_and_closes_links_where_members_may_invite() -> Offer:
    scene = garden()
    policy = makers.with_policy(scene.state, inviters=Inviters.MEMBERS)
    scene.chat.write(scene.owner.first, policy)
    link = public_key(scene.open_link(scene.member))
    opened = _with_link(scene, scene.member)
    return scene.commit(scene.member, makers.without_invites(opened, [link]))


@accepted
def a_moderator_closes_the_owners_link() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, makers.without_invites(scene.state, [scene.link_key]))


@accepted
def a_member_closes_a_link_that_has_ended() -> Offer:
    scene = garden()
    return scene.commit(
        scene.member,
        makers.without_invites(scene.state, [scene.link_key]),
        warrants=[scene.chat.statement(LINK_ENDED, scene.link_key)],
    )


@refused(Rule.INVITE_RIGHT)
def a_member_opens_a_link() -> Offer:
    scene = garden()
    return scene.unsettled(scene.member, _with_link(scene, scene.moderator))


@refused(Rule.INVITE_CREATOR)
def a_moderator_opens_a_link_in_the_owners_name() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, _with_link(scene, scene.owner))


@refused(Rule.INVITE_KEY)
def a_links_key_signs_everything() -> Offer:
    """Attack F12."""
    scene = garden()
    return scene.commit(
        scene.owner, makers.with_invite(scene.state, SMALL_ORDER_KEY, scene.owner.key)
    )


@refused(Rule.INVITE_CLOSE)
def a_member_closes_the_owners_link() -> Offer:
    scene = garden()
    return scene.commit(scene.member, makers.without_invites(scene.state, [scene.link_key]))


@refused(Rule.INVITE_ENDED)
def a_member_says_in_the_servers_name_that_a_link_has_ended() -> Offer:
    scene = garden()
    forged = sign_server_statement(
        scene.member.first.seed, LINK_ENDED, scene.chat.group_id, scene.link_key
    )
    return scene.commit(
        scene.member, makers.without_invites(scene.state, [scene.link_key]), warrants=[forged]
    )


@refused(Rule.STATE_UNEXPLAINED)
def a_link_is_taken_over() -> Offer:
    scene = garden()
    taken = makers.without_invites(scene.state, [scene.link_key])
    return scene.commit(scene.admin, makers.with_invite(taken, scene.link_key, scene.admin.key))


# --- bans


def _with_ban(scene: Scene, person: Person, rank: Rank) -> GroupState:
    return makers.with_ban(scene.state, person.key, rank)


@accepted
def a_moderator_bans_a_member() -> Offer:
    scene = garden()
    state = _with_ban(scene, scene.member, Rank.MODERATOR)
    return scene.commit(scene.moderator, state, removes=[scene.member])


@accepted
def a_moderator_bans_somebody_who_is_not_here_and_keeps_a_link() -> Offer:
    scene, stranger = garden(), Person.new("sam")
    state = makers.with_ban(scene.state, stranger.key, Rank.MODERATOR, [scene.link_key])
    return scene.commit(scene.moderator, state)


@accepted
def the_owner_bans_an_admin_whose_role_and_link_fall() -> Offer:
    scene = garden()
    scene.open_link(scene.admin)
    return scene.commit(
        scene.owner, _with_ban(scene, scene.admin, Rank.OWNER), removes=[scene.admin]
    )


@refused(Rule.TREE_BANNED)
def somebody_banned_keeps_a_leaf() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, _with_ban(scene, scene.member, Rank.MODERATOR))


@refused(Rule.BAN_RIGHT)
def a_member_bans_somebody() -> Offer:
    scene = garden()
    state = makers.with_ban(scene.state, Person.new("sam").key, Rank.MEMBER, [scene.link_key])
    return scene.commit(scene.member, state)


@refused(Rule.BAN_RANK)
def a_ban_says_it_is_by_a_higher_rank() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, _with_ban(scene, Person.new("sam"), Rank.OWNER))


@refused(Rule.BAN_RANK)
def a_moderator_bans_an_admin_who_left_in_the_same_commit() -> Offer:
    scene = garden()
    return scene.commit(
        scene.moderator,
        _with_ban(scene, scene.admin, Rank.MODERATOR),
        removes=[scene.admin],
        warrants=[scene.leaving(scene.admin)],
    )


@refused(Rule.STATE_UNEXPLAINED)
def a_ban_is_raised() -> Offer:
    scene, stranger = _banned(Rank.MODERATOR)
    raised = makers.without_ban(scene.state, stranger.key)
    return scene.commit(scene.owner, makers.with_ban(raised, stranger.key, Rank.OWNER))


def _banned(rank: Rank) -> tuple[Scene, Person]:
    scene, stranger = garden(), Person.new("sam")
    by = {Rank.OWNER: scene.owner, Rank.MODERATOR: scene.moderator}[rank]
    scene.chat.write(by.first, _with_ban(scene, stranger, rank))
    return scene, stranger


@accepted
def a_moderator_lifts_a_moderators_ban() -> Offer:
    scene, stranger = _banned(Rank.MODERATOR)
    return scene.commit(scene.moderator, makers.without_ban(scene.state, stranger.key))


@refused(Rule.UNBAN_RIGHT)
def a_member_lifts_a_ban() -> Offer:
    scene, stranger = _banned(Rank.MODERATOR)
    return scene.commit(scene.member, makers.without_ban(scene.state, stranger.key))


@refused(Rule.UNBAN_RANK)
def an_admin_lifts_the_owners_ban() -> Offer:
    scene, stranger = _banned(Rank.OWNER)
    return scene.commit(scene.admin, makers.without_ban(scene.state, stranger.key))


# --- name and settings


@accepted
def an_admin_renames_the_group() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, makers.with_name(scene.state, "Gärten 🌱"))


@accepted
def the_owner_changes_settings_and_members_links_fall() -> Offer:
    scene = garden()
    open_to_all = makers.with_policy(scene.state, inviters=Inviters.MEMBERS)
    scene.chat.write(scene.owner.first, open_to_all)
    scene.open_link(scene.member)
    return scene.commit(
        scene.owner,
        makers.with_policy(scene.state, history=History.ALL, inviters=Inviters.MODERATORS),
    )


@refused(Rule.NAME_RIGHT)
def a_moderator_renames_the_group() -> Offer:
    scene = garden()
    return scene.commit(scene.moderator, makers.with_name(scene.state, "Mine"))


@refused(Rule.POLICY_RIGHT)
def an_admin_changes_settings() -> Offer:
    scene = garden()
    return scene.commit(scene.admin, makers.with_policy(scene.state, history=History.ALL))
