"""Honest groups live: what people may do is accepted, and the state stays well-formed."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.governance import makers
from coterie.governance.accept import Verdict, accept
from coterie.governance.anchors import anchor_of, verify_chain
from coterie.governance.changes import DeviceRemoved, PersonJoined
from coterie.governance.leaves import members_of, without_leaves
from coterie.governance.signatures import public_key
from coterie.governance.state import GroupState
from coterie.governance.succession import may_invite, settle, succ
from coterie.governance.warrants import ServerStatementKind, Warrant, sign_leave
from coterie.mls import MLSError, PendingCommit
from coterie.protocol.errors import Refused
from coterie.protocol.roles import Action, Inviters, Rank, may
from tests.governance.cases.chains import trusted
from tests.governance.forgery import flipped, tag_bytes
from tests.governance.people import Conversation, Device, Person


class Life:
    """A group, all who ever came near it, and every commit that was ordered."""

    def __init__(self, draw: st.DataObject) -> None:
        self.draw = draw
        self.outside = [Person.new(f"person {number}") for number in range(6)]
        owner = self.outside.pop()
        self.inside = [owner]
        self.devices: dict[Person, list[Device]] = {owner: [owner.first]}
        self.links: dict[bytes, bytes] = {}
        self.chat = Conversation(owner.first)
        self.anchor = anchor_of(self.chat.public)
        self.trusted = trusted(self.chat.public, self.chat)
        self.commits: list[bytes] = []

    @property
    def state(self) -> GroupState:
        return self.chat.state

    def one_of(self, people: list[Person]) -> Person:
        return self.draw.draw(st.sampled_from(people))

    def rank(self, person: Person) -> Rank:
        return self.state.rank_of(person.key)

    def who_may(self, action: Action, target: Person | None = None) -> list[Person]:
        """Members with this right; over `target`, when there is one."""
        return [
            person
            for person in self.inside
            if may(self.rank(person).role, action, self.state.inviters)
            and (target is None or self.rank(person) > self.rank(target))
        ]

    def order(self, by: Device, pending: PendingCommit) -> Verdict:
        self.refuse_changed(by, pending.commit)
        verdict = accept(self.chat.public, pending.commit)
        self.commits.append(pending.commit)
        self.chat.adopt(by, pending)
        assert verdict.after == self.chat.public, "members and accept reach the same epoch"
        assert verdict.state == self.state
        self.follow(verdict)
        return verdict

    def refuse_changed(self, by: Device, commit: bytes) -> None:
        """One byte of it differs. What accept cannot know, the tags at its end, members do."""
        position = self.draw.draw(st.integers(0, len(commit) - 1))
        changed = flipped(commit, position, self.draw.draw(st.integers(1, 255)))
        if position < len(commit) - tag_bytes(commit):
            with pytest.raises(Refused):
                accept(self.chat.public, changed)
        for group in [group for device, group in self.chat.groups.items() if device is not by]:
            with pytest.raises(MLSError):
                group.process(changed)

    def follow(self, verdict: Verdict) -> None:
        """Who came and who went, by the list of changes alone."""
        everybody = [*self.inside, *self.outside]
        for change in verdict.changes:
            if isinstance(change, PersonJoined | DeviceRemoved):
                person = next(p for p in everybody if p.key == change.identity_key)
                if isinstance(change, PersonJoined):
                    self.outside.remove(person)
                    self.inside.append(person)
                elif change.last and person in self.inside:
                    self.inside.remove(person)
                    self.outside.append(person)
        self.devices = {
            person: [device for device in self.chat.groups if device.person is person]
            for person in self.inside
        }

    def commit(
        self,
        by: Person,
        state: GroupState,
        removes: list[int] | None = None,
        warrants: list[Warrant] | None = None,
    ) -> None:
        leaves = removes or []
        extensions = makers.extensions_for(self.chat.public, state, leaves)
        device = self.devices[by][0]
        pending = self.chat.commit(
            device,
            removes=leaves,
            extensions=extensions,
            warrants=warrants or [],
            force_path=True,
        )
        self.order(device, pending)

    def check(self) -> None:
        """A well-formed state, and a book of members that agrees with the tree."""
        members = members_of(self.chat.public.tree)
        assert members.keys() == {person.key for person in self.inside}
        assert self.state.owner in members
        assert all(entry.key in members for entry in self.state.roles)
        assert all(entry.creator in members for entry in self.state.invites)
        assert all(may_invite(self.state, entry.creator) for entry in self.state.invites)
        assert not any(entry.key in members for entry in self.state.banned)
        assert GroupState.decode(self.state.encode()) == self.state
        assert settle(self.state, self.state, members, self.chat.next_epoch) == self.state


def join(life: Life) -> None:
    banned = {entry.key for entry in life.state.banned}
    links = [entry.key for entry in life.state.invites]
    strangers = [person for person in life.outside if person.key not in banned]
    if links and strangers:
        person = life.one_of(strangers)
        link = life.links[life.draw.draw(st.sampled_from(links))]
        life.order(person.first, life.chat.join(person.first, link))


def open_link(life: Life) -> None:
    by = life.one_of(life.who_may(Action.INVITE))
    seed = life.chat.dice.throw()
    life.links[public_key(seed)] = seed
    life.commit(by, makers.with_invite(life.state, public_key(seed), by.key))


def close_link(life: Life) -> None:
    links = [entry.key for entry in life.state.invites]
    if links:
        by = life.one_of(life.who_may(Action.REVOKE_INVITE))
        link = life.draw.draw(st.sampled_from(links))
        life.commit(by, makers.without_invites(life.state, [link]))


def close_ended_link(life: Life) -> None:
    links = [entry.key for entry in life.state.invites]
    if links:
        link = life.draw.draw(st.sampled_from(links))
        ended = life.chat.statement(ServerStatementKind.LINK_ENDED, link)
        state = makers.without_invites(life.state, [link])
        life.commit(life.one_of(life.inside), state, warrants=[ended])


def kick(life: Life) -> None:
    target = life.one_of(life.inside)
    actors = life.who_may(Action.KICK, target)
    if actors:
        life.commit(life.one_of(actors), life.state, life.chat.leaves_of(target))


def ban(life: Life) -> None:
    target = life.one_of([*life.inside, *life.outside])
    actors = life.who_may(Action.BAN, target)
    if actors and life.state.ban(target.key) is None:
        by = life.one_of(actors)
        leaves = life.chat.leaves_of(target) if target in life.inside else []
        state = makers.with_ban(life.state, target.key, life.rank(by))
        life.commit(by, state, leaves)


def unban(life: Life) -> None:
    for entry in life.state.banned:
        actors = [p for p in life.who_may(Action.UNBAN) if life.rank(p) >= entry.rank]
        if actors:
            by = life.one_of(actors)
            life.commit(by, makers.without_ban(life.state, entry.key))
            return


def leave(life: Life) -> None:
    """The owner too: accept knows the succession, whatever servers ask for."""
    if len(life.inside) > 1:
        person = life.one_of(life.inside)
        by = life.one_of([other for other in life.inside if other is not person])
        seed = life.devices[person][0].seed
        statement = sign_leave(seed, life.chat.group_id, life.chat.seats_of(person))
        leaves = life.chat.leaves_of(person)
        heir = succ(life.state, without_leaves(members_of(life.chat.public.tree), leaves))
        was_owner = life.state.owner == person.key
        life.commit(by, life.state, leaves, [statement])
        assert not was_owner or life.state.owner == heir


def end_account(life: Life) -> None:
    if len(life.inside) > 1:
        person = life.one_of(life.inside)
        by = life.one_of([other for other in life.inside if other is not person])
        ended = life.chat.statement(ServerStatementKind.ACCOUNT_ENDED, person.key)
        life.commit(by, life.state, life.chat.leaves_of(person), [ended])


def set_role(life: Life) -> None:
    target = life.one_of(life.inside)
    actors = life.who_may(Action.SET_ROLE, target)
    if actors:
        by = life.one_of(actors)
        ranks = [rank for rank in Rank if rank < life.rank(by)]
        rank = life.draw.draw(st.sampled_from(ranks))
        life.commit(by, makers.with_role(life.state, target.key, rank, life.chat.next_epoch))


def drop_own(life: Life) -> None:
    person = life.one_of(life.inside)
    if life.state.owner != person.key:
        life.commit(person, makers.without_own(life.state, person.key))


def transfer(life: Life) -> None:
    owner = next(person for person in life.inside if person.key == life.state.owner)
    target = life.one_of(life.inside)
    life.commit(owner, makers.with_owner(life.state, target.key, life.chat.next_epoch))


def change_policy(life: Life) -> None:
    owner = next(person for person in life.inside if person.key == life.state.owner)
    inviters = life.draw.draw(st.sampled_from(Inviters))
    life.commit(owner, makers.with_policy(life.state, inviters=inviters))


def bring_device(life: Life) -> None:
    person = life.one_of(life.inside)
    if len(life.devices[person]) < 3:
        device = person.new_device(2_000 + life.chat.public.epoch)
        life.order(device, life.chat.enter(device, [device.list_item()]))


def revoke_device(life: Life) -> None:
    person = life.one_of(life.inside)
    first, *others = life.devices[person]
    if others:
        device = life.draw.draw(st.sampled_from([first, *others]))
        by = life.one_of(life.inside)
        committer = next(d for d in life.devices[by] if d is not device or by is not person)
        pending = life.chat.commit(
            committer,
            removes=[life.chat.leaf_of(device)],
            extensions=makers.extensions_for(
                life.chat.public, life.state, [life.chat.leaf_of(device)]
            ),
            warrants=[person.revoke(device)],
        )
        life.order(committer, pending)


def resync(life: Life) -> None:
    person = life.one_of(life.inside)
    device = life.devices[person][-1]
    others = [d for d in life.chat.groups if d is not device]
    if others:
        pending = life.chat.enter(device, removes=[life.chat.leaf_of(device)], through=others[0])
        life.order(device, pending)


def update(life: Life) -> None:
    life.commit(life.one_of(life.inside), life.state)


ACTS: list[Callable[[Life], None]] = [
    join,
    join,
    join,
    open_link,
    open_link,
    close_link,
    close_ended_link,
    kick,
    ban,
    unban,
    leave,
    end_account,
    set_role,
    set_role,
    drop_own,
    transfer,
    change_policy,
    bring_device,
    revoke_device,
    resync,
    update,
]


@settings(max_examples=25)
@given(st.data())
def test_an_honest_group_lives(draw: st.DataObject) -> None:
    life = Life(draw)
    open_link(life)
    join(life)
    for act in draw.draw(st.lists(st.sampled_from(ACTS), min_size=8, max_size=24)):
        act(life)
        life.check()
    reached = verify_chain(life.anchor, life.trusted, life.commits)
    assert reached == life.chat.public, "whoever verifies from epoch 0 ends where members are"
