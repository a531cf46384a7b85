"""`accept` keeps the table of who may do what, as it is written for people."""

from collections.abc import Callable
from functools import cache

import pytest

from coterie.governance import makers
from coterie.governance.accept import accept
from coterie.governance.signatures import public_key
from coterie.protocol.errors import CommitRefused, Refused
from coterie.protocol.roles import History, Inviters, Rank
from tests.governance.people import Person
from tests.governance.scene import Offer, Scene, garden

TABLE = """
| action                            | owner | admin | moderator | member | note             |
| create an invite link             |   x   |   x   |     x     |   -    |                  |
| create one, where members may     |   x   |   x   |     x     |   x    |                  |
| revoke one's own link             |   x   |   x   |     x     |   x    |                  |
| revoke another's link             |   x   |   x   |     x     |   -    |                  |
| add a person directly             |   x   |   x   |     x     |   -    |                  |
| kick                              |   x   |   x   |     x     |   -    | lower rank       |
| ban                               |   x   |   x   |     x     |   -    | lower rank       |
| ban who is not a member           |   x   |   x   |     x     |   -    |                  |
| lift a ban                        |   x   |   x   |     x     |   -    | not by a higher  |
| change the name                   |   x   |   x   |     -     |   -    |                  |
| make moderator                    |   x   |   x   |     -     |   -    | below one's own  |
| make admin                        |   x   |   -   |     -     |   -    | below one's own  |
| take a role                       |   x   |   x   |     -     |   -    | lower rank       |
| change history policy             |   x   |   -   |     -     |   -    |                  |
| change who may invite             |   x   |   -   |     -     |   -    |                  |
| transfer ownership                |   x   |   -   |     -     |   -    |                  |
"""

RANKS = (Rank.OWNER, Rank.ADMIN, Rank.MODERATOR, Rank.MEMBER)
Act = Callable[[Scene, Person, Rank], Offer]


@cache
def rights() -> dict[str, dict[Rank, bool]]:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.split("\n")[2:-1]]
    return {row[0]: {r: c == "x" for r, c in zip(RANKS, row[1:5], strict=True)} for row in rows}


def note(action: str) -> str:
    line = next(line for line in TABLE.split("\n") if line.startswith(f"| {action} "))
    return line.split("|")[6].strip()


def actor(scene: Scene, rank: Rank) -> Person:
    return {
        Rank.OWNER: scene.owner,
        Rank.ADMIN: scene.admin,
        Rank.MODERATOR: scene.moderator,
        Rank.MEMBER: scene.member,
    }[rank]


def target(scene: Scene, rank: Rank) -> Person:
    """Somebody else of this rank; there is only one owner."""
    if rank is Rank.OWNER:
        return scene.owner
    other = scene.bring(Person.new("tara"))
    if rank is not Rank.MEMBER:
        scene.give(other, rank)
    return other


def opens(scene: Scene, by: Person, _: Rank) -> Offer:
    link = public_key(scene.chat.dice.throw())
    state = makers.with_invite(scene.state, link, by.key)
    return scene.unsettled(by, state)


def opens_where_members_may(scene: Scene, by: Person, rank: Rank) -> Offer:
    scene.chat.write(scene.owner.first, makers.with_policy(scene.state, inviters=Inviters.MEMBERS))
    return opens(scene, by, rank)


def revokes_own(scene: Scene, by: Person, _: Rank) -> Offer:
    scene.chat.write(scene.owner.first, makers.with_policy(scene.state, inviters=Inviters.MEMBERS))
    link = public_key(scene.open_link(by))
    return scene.commit(by, makers.without_invites(scene.state, [link]))


def revokes_anothers(scene: Scene, by: Person, _: Rank) -> Offer:
    other = scene.admin if by is scene.owner else scene.owner
    link = public_key(scene.open_link(other))
    return scene.commit(by, makers.without_invites(scene.state, [link]))


def adds(scene: Scene, by: Person, _: Rank) -> Offer:
    stranger = Person.new("sam").first
    package = stranger.package().package
    items = [stranger.list_item(), scene.chat.acceptance(stranger, package)]
    return scene.offer(scene.chat.commit(by.first, adds=[package], warrants=items))


def kicks(scene: Scene, by: Person, rank: Rank) -> Offer:
    return scene.commit(by, removes=[target(scene, rank)])


def bans(scene: Scene, by: Person, rank: Rank) -> Offer:
    other, own = target(scene, rank), scene.state.rank_of(by.key)
    state = makers.with_ban(scene.state, other.key, own, [scene.link_key])
    return scene.commit(by, state, removes=[other])


def bans_a_stranger(scene: Scene, by: Person, _: Rank) -> Offer:
    own = scene.state.rank_of(by.key)
    return scene.commit(
        by, makers.with_ban(scene.state, Person.new("sam").key, own, [scene.link_key])
    )


def lifts(scene: Scene, by: Person, rank: Rank) -> Offer:
    stranger = Person.new("sam")
    scene.chat.write(actor(scene, rank).first, makers.with_ban(scene.state, stranger.key, rank))
    return scene.commit(by, makers.without_ban(scene.state, stranger.key))


def renames(scene: Scene, by: Person, _: Rank) -> Offer:
    return scene.commit(by, makers.with_name(scene.state, "Meadow"))


def gives(role: Rank) -> Act:
    def act(scene: Scene, by: Person, rank: Rank) -> Offer:
        return scene.commit(by, scene.with_role(target(scene, rank), role))

    return act


def changes_history(scene: Scene, by: Person, _: Rank) -> Offer:
    return scene.commit(by, makers.with_policy(scene.state, history=History.ALL))


def changes_inviters(scene: Scene, by: Person, _: Rank) -> Offer:
    return scene.commit(by, makers.with_policy(scene.state, inviters=Inviters.MEMBERS))


def hands_over(scene: Scene, by: Person, rank: Rank) -> Offer:
    other = target(scene, rank)
    return scene.commit(by, makers.with_owner(scene.state, other.key, scene.chat.next_epoch))


ALONE: dict[str, Act] = {
    "create an invite link": opens,
    "create one, where members may": opens_where_members_may,
    "revoke one's own link": revokes_own,
    "revoke another's link": revokes_anothers,
    "add a person directly": adds,
    "ban who is not a member": bans_a_stranger,
    "change the name": renames,
    "change history policy": changes_history,
    "change who may invite": changes_inviters,
}
"""What is done to nobody."""

ON_SOMEBODY: dict[str, tuple[Act, tuple[Rank, ...]]] = {
    "kick": (kicks, RANKS),
    "ban": (bans, RANKS),
    "make moderator": (gives(Rank.MODERATOR), (Rank.ADMIN, Rank.MEMBER)),
    "make admin": (gives(Rank.ADMIN), (Rank.MODERATOR, Rank.MEMBER)),
    "take a role": (gives(Rank.MEMBER), (Rank.ADMIN, Rank.MODERATOR)),
    "transfer ownership": (hands_over, (Rank.ADMIN, Rank.MODERATOR, Rank.MEMBER)),
    "lift a ban": (lifts, (Rank.OWNER, Rank.ADMIN, Rank.MODERATOR)),
}
"""What is done to somebody of one of these ranks (a ban: to one made by this rank)."""


def allowed(action: str, by: Rank, on: Rank) -> bool:
    if not rights()[action][by]:
        return False
    match note(action):
        case "lower rank" | "below one's own":
            return by > on
        case "not by a higher":
            return by >= on
        case _:
            return True


def is_accepted(offer: Offer) -> bool:
    try:
        accept(*offer)
    except Refused as no:
        refusal = no.refusal
        assert isinstance(refusal, CommitRefused)
        expected = (".right", ".rank", ".close")
        assert refusal.rule.endswith(expected), f"refused for another reason: {refusal}"
        return False
    return True


@pytest.mark.parametrize("by", RANKS, ids=lambda rank: rank.role)
@pytest.mark.parametrize("action", ALONE)
def test_alone(action: str, by: Rank) -> None:
    scene = garden()
    offer = ALONE[action](scene, actor(scene, by), Rank.MEMBER)
    assert is_accepted(offer) is rights()[action][by], f"{by.role}: {action}"


@pytest.mark.parametrize("by", RANKS, ids=lambda rank: rank.role)
@pytest.mark.parametrize(
    ("action", "on"), [(action, on) for action, (_, ranks) in ON_SOMEBODY.items() for on in ranks]
)
def test_on_somebody(action: str, on: Rank, by: Rank) -> None:
    scene = garden()
    if by is on is Rank.OWNER and action != "lift a ban":
        return  # there is no second owner to act on
    offer = ON_SOMEBODY[action][0](scene, actor(scene, by), on)
    assert is_accepted(offer) is allowed(action, by, on), f"{by.role}: {action} of {on.role}"


def test_every_row_of_the_table_is_tried() -> None:
    assert rights().keys() == ALONE.keys() | ON_SOMEBODY.keys()
