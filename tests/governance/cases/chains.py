"""Chains of commits from an anchor: what somebody who enters believes, and what not."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from coterie.governance import makers
from coterie.governance.anchors import TrustedAnchor, anchor_hash, anchor_of
from coterie.governance.rules.rule import Rule
from coterie.mls import PublicGroup
from coterie.protocol.commands import Anchor
from coterie.protocol.roles import Rank
from tests.governance.people import Conversation, Person
from tests.governance.scene import Scene, garden


@dataclass(frozen=True)
class Chain:
    anchor: Anchor
    expected: TrustedAnchor
    commits: tuple[bytes, ...]


@dataclass(frozen=True)
class ChainCase:
    name: str
    rule: Rule | None
    stage: Callable[[], Chain]


CHAINS: list[ChainCase] = []

Stage = Callable[[], Chain]


def leads(rule: Rule | None = None) -> Callable[[Stage], Stage]:
    def register(stage: Stage) -> Stage:
        CHAINS.append(ChainCase(stage.__name__, rule, stage))
        return stage

    return register


def trusted(public: PublicGroup, chat: Conversation) -> TrustedAnchor:
    return TrustedAnchor(chat.state.genesis, public.epoch, anchor_hash(public.context))


def _steps(scene: Scene) -> tuple[bytes, ...]:
    """A join, a promotion and an update, one after the other."""
    stranger = Person.new("sam").first
    join = scene.chat.join(stranger, scene.link)
    scene.chat.adopt(stranger, join)
    state = scene.with_role(scene.member, Rank.MODERATOR)
    owner = scene.owner.first
    promotion = scene.chat.commit(owner, state=state)
    scene.chat.adopt(owner, promotion)
    update = scene.chat.commit(stranger, force_path=True)
    scene.chat.adopt(stranger, update)
    return join.commit, promotion.commit, update.commit


def _chain(scene: Scene) -> Chain:
    before = scene.chat.public
    expected = trusted(before, scene.chat)
    return Chain(anchor_of(before), expected, _steps(scene))


@leads()
def a_chain_leads_from_a_links_anchor() -> Chain:
    return _chain(garden())


@leads()
def a_chain_leads_from_epoch_0() -> Chain:
    owner = Person.new("olivia")
    chat = Conversation(owner.first)
    before = chat.public
    first = chat.commit(owner.first, state=makers.with_name(chat.state, "Meadow"))
    chat.adopt(owner.first, first)
    second = chat.commit(owner.first, force_path=True)
    return Chain(anchor_of(before), trusted(before, chat), (first.commit, second.commit))


@leads()
def an_anchor_is_the_newest_epoch() -> Chain:
    return _without_commits(_chain(garden()))


def _without_commits(chain: Chain) -> Chain:
    return Chain(chain.anchor, chain.expected, ())


@leads(Rule.ANCHOR_CONTEXT)
def the_server_serves_a_group_of_its_own() -> Chain:
    """Attack F2 (a): same UUID, same people by name, fresh keys."""
    chain, ghost = _chain(garden()), Conversation(Person.new("ghost").first)
    return Chain(anchor_of(ghost.public), chain.expected, ())


@leads(Rule.ANCHOR_CONTEXT)
def an_anchor_is_of_another_genesis() -> Chain:
    chain = _chain(garden())
    return Chain(chain.anchor, chain.expected._replace(genesis=bytes(32)), chain.commits)


@leads(Rule.ANCHOR_CONTEXT)
def an_anchor_is_of_another_epoch() -> Chain:
    chain = _chain(garden())
    return Chain(chain.anchor, chain.expected._replace(epoch=0), chain.commits)


@leads(Rule.ANCHOR_TREE)
def an_anchor_comes_with_another_tree() -> Chain:
    scene = garden()
    chain = _chain(scene)
    later = scene.chat.public.tree.encode()
    return Chain(structs.replace(chain.anchor, ratchet_tree=later), chain.expected, chain.commits)


@leads(Rule.COMMIT_MLS)
def an_anchor_comes_with_another_tag() -> Chain:
    """No one vouches for the tag: the epoch after the next shows it."""
    chain = _chain(garden())
    return Chain(
        structs.replace(chain.anchor, confirmation_tag=bytes(32)), chain.expected, chain.commits
    )


@leads(Rule.COMMIT_MLS)
def a_commit_of_the_chain_is_withheld() -> Chain:
    """Attack F11."""
    chain = _chain(garden())
    return Chain(chain.anchor, chain.expected, chain.commits[1:])


@leads(Rule.COMMIT_MLS)
def a_chain_goes_on_from_another_branch() -> Chain:
    """Attack F2 (c): an update hides the ban that honest members saw in its place."""
    scene = garden()
    before = scene.chat.public
    expected = trusted(before, scene.chat)
    ban = scene.commit(
        scene.owner,
        makers.with_ban(scene.state, scene.member.key, Rank.OWNER),
        removes=[scene.member],
    )[1]
    branch = scene.chat.commit(scene.member.first, force_path=True)
    scene.chat.adopt(scene.member.first, branch)
    after = scene.chat.commit(scene.member.first, force_path=True)
    return Chain(anchor_of(before), expected, (ban, after.commit))


@leads(Rule.REMOVE_RANK)
def a_commit_of_the_chain_is_against_the_rules() -> Chain:
    """Attack F2 (d): no GroupInfo launders what a member refused."""
    scene = garden()
    before = scene.chat.public
    expected = trusted(before, scene.chat)
    leaves = scene.chat.leaves_of(scene.owner)
    coup = scene.chat.commit(
        scene.admin.first, removes=leaves, extensions=scene.extensions(scene.state, leaves)
    )
    scene.chat.adopt(scene.admin.first, coup)
    after = scene.chat.commit(scene.admin.first, force_path=True)
    return Chain(anchor_of(before), expected, (coup.commit, after.commit))
