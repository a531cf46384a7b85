"""The group most cases play in: an owner, an admin, a moderator, a member, and an open link."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from coterie.governance import makers
from coterie.governance.leaves import Extensions
from coterie.governance.signatures import public_key
from coterie.governance.state import GroupState
from coterie.governance.warrants import Warrant, sign_leave
from coterie.mls import PendingCommit, PublicGroup
from coterie.protocol.roles import Rank
from tests.governance.people import Conversation, Device, Dice, Person

Offer = tuple[PublicGroup, bytes]
"""A public state, and a commit upon it for `accept` to judge."""


@dataclass
class Scene:
    chat: Conversation
    owner: Person
    admin: Person
    moderator: Person
    member: Person
    link: bytes
    """The seed of a link the owner opened."""

    @property
    def state(self) -> GroupState:
        return self.chat.state

    @property
    def link_key(self) -> bytes:
        return public_key(self.link)

    def offer(self, pending: PendingCommit | bytes) -> Offer:
        commit = pending if isinstance(pending, bytes) else pending.commit
        return self.chat.public, commit

    def commit(
        self,
        by: Person,
        state: GroupState | None = None,
        *,
        removes: Iterable[Person] = (),
        warrants: Iterable[Warrant] = (),
    ) -> Offer:
        """A member's commit as makers build it: the state settled with who is left."""
        leaves = self.chat.leaves_of(*removes)
        extensions = self.extensions(self.state if state is None else state, leaves)
        return self.offer(
            self.chat.commit(by.first, removes=leaves, extensions=extensions, warrants=warrants)
        )

    def extensions(self, state: GroupState, removes: Iterable[int] = ()) -> Extensions | None:
        return makers.extensions_for(self.chat.public, state, removes)

    def unsettled(
        self,
        by: Person,
        state: GroupState | None,
        *,
        removes: Iterable[Person] = (),
        warrants: Iterable[Warrant] = (),
    ) -> Offer:
        """A member's commit with exactly this state."""
        leaves = self.chat.leaves_of(*removes)
        return self.offer(
            self.chat.commit(by.first, removes=leaves, state=state, warrants=warrants)
        )

    def with_role(self, person: Person, rank: Rank) -> GroupState:
        return makers.with_role(self.state, person.key, rank, self.chat.next_epoch)

    def give(self, person: Person, rank: Rank) -> None:
        self.chat.write(self.owner.first, self.with_role(person, rank))

    def open_link(self, by: Person) -> bytes:
        """Another link; its seed."""
        seed = self.chat.dice.throw()
        self.chat.write(by.first, makers.with_invite(self.state, public_key(seed), by.key))
        return seed

    def bring(self, person: Person, device: Device | None = None) -> Person:
        """Lets somebody in by the link."""
        device = device or person.first
        self.chat.adopt(device, self.chat.join(device, self.link))
        return person

    def bring_device(self, device: Device) -> Device:
        """Lets a further device of a member in."""
        lists = [] if device.certificate.provisional else [device.list_item()]
        self.chat.adopt(device, self.chat.enter(device, lists))
        return device

    def leaving(self, person: Person) -> Warrant:
        return sign_leave(person.first.seed, self.chat.group_id, self.chat.seats_of(person))


def garden() -> Scene:
    """A fresh copy: what a case does is seen by no other."""
    return _copy(_garden())


@cache
def _garden() -> Scene:
    owner, admin, moderator, member = map(Person.new, ("olivia", "ada", "max", "mia"))
    chat = Conversation(owner.first)
    link = chat.dice.throw()
    scene = Scene(chat, owner, admin, moderator, member, link)
    chat.write(owner.first, makers.with_invite(chat.state, public_key(link), owner.key))
    for person in (admin, moderator, member):
        scene.bring(person)
    scene.give(admin, Rank.ADMIN)
    scene.give(moderator, Rank.MODERATOR)
    return scene


def _copy(scene: Scene) -> Scene:
    people = (scene.owner, scene.admin, scene.moderator, scene.member)
    copies = {person: _copy_person(person) for person in people}
    chat = object.__new__(Conversation)
    chat.__dict__ |= scene.chat.__dict__
    chat.dice = _copy_dice(scene.chat.dice)
    chat.groups = {
        copies[device.person].first: group for device, group in scene.chat.groups.items()
    }
    owner, admin, moderator, member = copies.values()
    return Scene(chat, owner, admin, moderator, member, scene.link)


def _copy_person(person: Person) -> Person:
    dice = _copy_dice(person.dice)
    copied = Person(person.name, dice, person.identity_seed, person.user_id, person.devices)
    copied.first = replace(person.first, person=copied)
    return copied


def _copy_dice(dice: Dice) -> Dice:
    copied = object.__new__(Dice)
    copied.__dict__ |= dice.__dict__
    return copied


def alone() -> tuple[Conversation, Person]:
    """Somebody's conversation with themselves."""
    one = Person.new("dora")
    return Conversation(one.first, direct=one), one


def pair() -> tuple[Conversation, Person, Person]:
    """A direct conversation in which the other has not been added yet."""
    one, other = Person.new("dora"), Person.new("emil")
    return Conversation(one.first, direct=other), one, other
