"""The signed state by itself, and what of it never changes."""

from msgspec.structs import replace

from coterie.governance import makers
from coterie.governance.leaves import (
    REQUIRED,
    REQUIRED_CAPABILITIES,
    STATE_EXTENSION,
    context_extensions,
)
from coterie.governance.rules.rule import Rule
from coterie.governance.signatures import public_key
from coterie.governance.state import BanEntry, InviteEntry, RoleEntry
from coterie.mls import Extension, RequiredCapabilities
from coterie.protocol import limits
from coterie.protocol.roles import Rank
from tests.governance.cases.case import accepted, refused
from tests.governance.scene import Offer, Scene, garden, pair


def _writes(scene: Scene, *extensions: Extension) -> Offer:
    return scene.offer(scene.chat.commit(scene.owner.first, extensions=extensions))


# --- the extensions


@accepted
def the_owner_writes_the_state_as_it_is() -> Offer:
    scene = garden()
    return _writes(scene, *context_extensions(scene.state))


@refused(Rule.STATE_EXTENSIONS)
def required_capabilities_are_dropped() -> Offer:
    """Attack F9."""
    scene = garden()
    return _writes(scene, (STATE_EXTENSION, scene.state.encode()))


@refused(Rule.STATE_EXTENSIONS)
def the_server_becomes_an_external_sender() -> Offer:
    """Attack F9."""
    scene = garden()
    sender = bytes((32,)) + scene.state.server_key + b"\x00\x01\x06server"
    external_senders = (5, bytes((len(sender),)) + sender)
    return _writes(scene, *context_extensions(scene.state), external_senders)


@refused(Rule.STATE_EXTENSIONS)
def required_capabilities_are_changed() -> Offer:
    scene = garden()
    weaker = RequiredCapabilities((STATE_EXTENSION,), (), (1,)).encode()
    return _writes(scene, (3, weaker), (STATE_EXTENSION, scene.state.encode()))


@refused(Rule.STATE_EXTENSIONS)
def extensions_change_places() -> Offer:
    scene = garden()
    return _writes(scene, (STATE_EXTENSION, scene.state.encode()), (3, REQUIRED))


def _writes_bytes(scene: Scene, state: bytes) -> Offer:
    return _writes(scene, (3, REQUIRED), (STATE_EXTENSION, state))


@refused(Rule.STATE_ENCODING)
def a_byte_follows_the_state() -> Offer:
    scene = garden()
    return _writes_bytes(scene, scene.state.encode() + b"\x00")


@refused(Rule.STATE_ENCODING)
def roles_are_not_sorted() -> Offer:
    scene = garden()
    one, other = (entry.encode() for entry in scene.state.roles[:2])
    return _writes_bytes(scene, scene.state.encode().replace(one + other, other + one))


@refused(Rule.STATE_ENCODING)
def the_two_of_a_direct_conversation_are_not_sorted() -> Offer:
    chat, one, _ = pair()
    two = b"".join(chat.state.direct or ())
    state = chat.state.encode().replace(two, two[32:] + two[:32])
    extensions = ((REQUIRED_CAPABILITIES, REQUIRED), (STATE_EXTENSION, state))
    return chat.public, chat.commit(one.first, extensions=extensions).commit


@refused(Rule.STATE_IMMUTABLE)
def a_direct_conversation_becomes_one_with_oneself() -> Offer:
    chat, one, _ = pair()
    state = replace(chat.state, direct=(one.key, one.key))
    return chat.public, chat.commit(one.first, state=state).commit


@refused(Rule.STATE_ENCODING)
def a_plain_member_has_an_entry() -> Offer:
    scene = garden()
    entry = RoleEntry(scene.member.key, Rank.MEMBER, scene.chat.next_epoch)
    return scene.unsettled(scene.owner, replace(scene.state, roles=(*scene.state.roles, entry)))


@refused(Rule.STATE_ENCODING)
def a_name_is_not_utf_8() -> Offer:
    scene = garden()
    return _writes_bytes(scene, scene.state.encode().replace(b"Garden", b"Gard\xff\xfe"))


@refused(Rule.STATE_LIMITS)
def a_group_has_51_links() -> Offer:
    scene = garden()
    keys = [public_key(scene.chat.dice.throw()) for _ in range(limits.INVITES_PER_GROUP)]
    invites = tuple(InviteEntry(key, scene.owner.key, 0) for key in keys)
    return scene.unsettled(
        scene.owner, replace(scene.state, invites=(*scene.state.invites, *invites))
    )


@refused(Rule.STATE_LIMITS)
def a_group_has_201_roles() -> Offer:
    scene = garden()
    keys = [scene.chat.dice.throw() for _ in range(limits.ROLES_PER_GROUP)]
    roles = tuple(RoleEntry(key, Rank.MODERATOR, scene.chat.next_epoch) for key in keys)
    return scene.unsettled(scene.owner, replace(scene.state, roles=(*scene.state.roles, *roles)))


@refused(Rule.STATE_LIMITS)
def a_group_has_501_bans() -> Offer:
    scene = garden()
    keys = [scene.chat.dice.throw() for _ in range(limits.BANS_PER_GROUP + 1)]
    banned = tuple(BanEntry(key, Rank.OWNER) for key in keys)
    return scene.unsettled(scene.owner, replace(scene.state, banned=banned))


@refused(Rule.STATE_LIMITS)
def a_state_is_larger_than_64_kibibytes() -> Offer:
    return _writes_bytes(garden(), bytes(limits.STATE_BYTES + 1))


@refused(Rule.STATE_OWNER)
def a_group_has_no_owner() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, scene.with_role(scene.owner, Rank.MEMBER))


@refused(Rule.STATE_OWNER)
def a_group_has_two_owners() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, scene.with_role(scene.admin, Rank.OWNER))


@refused(Rule.STATE_NAME)
def a_name_is_empty() -> Offer:
    scene = garden()
    return scene.commit(scene.owner, makers.with_name(scene.state, ""))


@refused(Rule.STATE_NAME)
def a_name_has_101_characters() -> Offer:
    scene = garden()
    return scene.commit(scene.owner, makers.with_name(scene.state, "x" * 101))


@refused(Rule.STATE_NAME)
def a_name_has_a_control_character() -> Offer:
    scene = garden()
    return scene.commit(scene.owner, makers.with_name(scene.state, "Gar\x00den"))


@refused(Rule.STATE_TABLE)
def a_role_table_is_unknown() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, replace(scene.state, table=2))


@refused(Rule.STATE_DIRECT)
def a_direct_conversation_gets_a_name() -> Offer:
    chat, one, _ = pair()
    pending = chat.commit(one.first, state=replace(chat.state, name="Us"))
    return chat.public, pending.commit


@refused(Rule.STATE_DIRECT)
def a_direct_conversation_gets_an_owner() -> Offer:
    """Attack F21."""
    chat, one, _ = pair()
    roles = (RoleEntry(one.key, Rank.OWNER, chat.next_epoch),)
    pending = chat.commit(one.first, state=replace(chat.state, roles=roles))
    return chat.public, pending.commit


# --- what never changes


@refused(Rule.STATE_IMMUTABLE)
def genesis_changes() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, replace(scene.state, genesis=bytes(32)))


@refused(Rule.STATE_IMMUTABLE)
def the_server_key_changes() -> Offer:
    scene = garden()
    return scene.unsettled(scene.owner, replace(scene.state, server_key=scene.owner.key))


@refused(Rule.STATE_IMMUTABLE)
def a_direct_conversation_becomes_a_group() -> Offer:
    """Attack F21."""
    chat, one, _ = pair()
    state = makers.first_state(chat.state.genesis, chat.state.server_key, one.key, "Us")
    return chat.public, chat.commit(one.first, state=state).commit
