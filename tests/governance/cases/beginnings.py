"""Epoch 0: how a group may begin."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from msgspec import structs

from coterie.governance import makers
from coterie.governance.leaves import CAPABILITIES, Extensions, context_extensions
from coterie.governance.rules.rule import Rule
from coterie.governance.signatures import public_key
from coterie.governance.state import GroupState, RoleEntry
from coterie.mls import Capabilities, Group, KeyPackageSecrets, PublicGroup, suite
from coterie.protocol.roles import Rank
from tests.governance.cases.leaves import SMALL_ORDER_KEY
from tests.governance.people import MLS_SUITE, Person
from tests.governance.scene import pair

SERVER_KEY = public_key(b"the key of the server in tests. ")


@dataclass(frozen=True)
class Beginning:
    name: str
    rule: Rule | None
    stage: Callable[[], PublicGroup]


BEGINNINGS: list[Beginning] = []

Stage = Callable[[], PublicGroup]


def begins(rule: Rule | None = None) -> Callable[[Stage], Stage]:
    def register(stage: Stage) -> Stage:
        BEGINNINGS.append(Beginning(stage.__name__, rule, stage))
        return stage

    return register


def _owner() -> Person:
    return Person.new("olivia")


def _state(**changes: object) -> GroupState:
    state = makers.first_state(bytes(range(32)), SERVER_KEY, _owner().key, "Garden")
    return structs.replace(state, **changes)


def _create(
    state: GroupState,
    *,
    package: KeyPackageSecrets | None = None,
    extensions: Extensions | None = None,
    group_id: bytes = bytes(range(16)),
) -> PublicGroup:
    package = package or _owner().first.package()
    extensions = context_extensions(state) if extensions is None else extensions
    return Group.create(MLS_SUITE, group_id, package, extensions).public


@begins()
def a_group_begins() -> PublicGroup:
    return _create(_state())


@begins()
def a_direct_conversation_begins() -> PublicGroup:
    one, other = _owner(), Person.new("emil")
    return _create(makers.first_direct_state(bytes(32), SERVER_KEY, one.key, other.key))


@begins()
def a_conversation_with_oneself_begins() -> PublicGroup:
    one = _owner()
    return _create(makers.first_direct_state(bytes(32), SERVER_KEY, one.key, one.key))


@begins(Rule.TREE_DIRECT)
def a_conversation_of_another_with_themselves_begins() -> PublicGroup:
    other = Person.new("emil")
    return _create(makers.first_direct_state(bytes(32), SERVER_KEY, other.key, other.key))


@begins(Rule.GENESIS_CONTEXT)
def a_group_begins_in_epoch_1() -> PublicGroup:
    public = a_group_begins()
    return replace(public, context=replace(public.context, epoch=1))


@begins(Rule.GENESIS_CONTEXT)
def a_group_has_another_suite() -> PublicGroup:
    other = Capabilities((1,), (1, 3), CAPABILITIES.extensions, (), (1,))
    package = _owner().first.package(capabilities=other, mls_suite=suite(3))
    extensions = context_extensions(_state())
    return Group.create(suite(3), bytes(range(16)), package, extensions).public


@begins(Rule.GENESIS_CONTEXT)
def a_group_id_is_no_uuid() -> PublicGroup:
    return _create(_state(), group_id=b"garden")


@begins(Rule.GENESIS_CONTEXT)
def a_group_begins_with_a_past() -> PublicGroup:
    public = a_group_begins()
    return replace(public, context=replace(public.context, confirmed_transcript_hash=bytes(32)))


@begins(Rule.GENESIS_LEAF)
def a_group_begins_with_two_leaves() -> PublicGroup:
    public = a_group_begins()
    tree, _ = public.tree.added([Person.new("ghost").first.package().package.leaf_node])
    context = replace(public.context, tree_hash=tree.tree_hash(MLS_SUITE))
    return PublicGroup.of(context, tree, public.confirmation_tag)


@begins(Rule.LEAF_CERTIFICATE)
def a_group_begins_in_somebody_elses_name() -> PublicGroup:
    owner, thief = _owner(), Person.new("thief")
    stolen = owner.first.certificate.encode()
    return _create(_state(), package=thief.first.package(identity=stolen))


@begins(Rule.TREE_ISSUER)
def a_group_begins_with_a_provisional_device() -> PublicGroup:
    owner = _owner()
    return _create(_state(), package=owner.approve(owner.first).package())


@begins(Rule.STATE_EXTENSIONS)
def a_group_begins_with_an_external_sender() -> PublicGroup:
    sender = bytes((32,)) + SERVER_KEY + b"\x00\x01\x06server"
    external_senders = (5, bytes((len(sender),)) + sender)
    extensions = (*context_extensions(_state()), external_senders)
    return _create(_state(), extensions=extensions)


@begins(Rule.GENESIS_SERVER)
def a_group_names_another_server() -> PublicGroup:
    return _create(_state(server_key=_owner().key))


@begins(Rule.GENESIS_STATE)
def a_group_begins_with_an_owner_who_is_not_here() -> PublicGroup:
    return _create(_state(roles=(RoleEntry(Person.new("sam").key, Rank.OWNER, 0),)))


@begins(Rule.GENESIS_STATE)
def a_group_begins_with_a_further_admin() -> PublicGroup:
    return _create(makers.with_role(_state(), Person.new("sam").key, Rank.ADMIN, 0))


@begins(Rule.GENESIS_STATE)
def a_group_begins_with_a_link() -> PublicGroup:
    link = public_key(bytes(32))
    return _create(makers.with_invite(_state(), link, _owner().key))


@begins(Rule.GENESIS_STATE)
def an_owner_began_later() -> PublicGroup:
    return _create(_state(roles=(RoleEntry(_owner().key, Rank.OWNER, 7),)))


@begins(Rule.GENESIS_STATE)
def a_direct_conversation_is_with_a_key_that_signs_everything() -> PublicGroup:
    state = makers.first_direct_state(bytes(32), SERVER_KEY, _owner().key, SMALL_ORDER_KEY)
    return _create(state)


@begins(Rule.TREE_DIRECT)
def a_direct_conversation_is_begun_by_a_third() -> PublicGroup:
    chat, _, _ = pair()
    state = structs.replace(chat.state, server_key=SERVER_KEY)
    return _create(state)


@begins(Rule.STATE_OWNER)
def a_group_begins_without_an_owner() -> PublicGroup:
    return _create(_state(roles=()))
