"""Random lives of a group: many clients, every kind of change, save and restore in between.

The seed of a run is printed and names the failing test; COTERIE_SEED repeats its choices.
COTERIE_STEPS=100000 lives that long.
"""

import os
import random
import secrets
from collections.abc import Collection

import pytest

from coterie.mls import (
    ExternalPSK,
    Group,
    KeyPackageSecrets,
    MLSError,
    PendingCommit,
    PublicGroup,
    Remove,
    Removed,
    ValidationError,
    WrongEpoch,
    suite,
)
from tests.mls.clients import GROUP_ID, SUITE_IDS, capabilities, exported, key_package
from tests.mls.forger import frame, state_of

STEPS = int(os.environ.get("COTERIE_STEPS") or 320)
"""Of the lives in all suites together."""
MOST_MEMBERS = 14
EXTENSION = 0xF0C0


class Life:
    """A group, the states of all its members, and the public state of its delivery service."""

    def __init__(self, suite_id: int, choice: random.Random) -> None:
        self.suite, self.choice, self.names = suite(suite_id), choice, 0
        founder = self.newcomer()
        self.members = [Group.create(self.suite, GROUP_ID, founder, [(EXTENSION, b"0")])]
        self.public = PublicGroup.from_group_info(self.members[0].group_info())

    def newcomer(self) -> KeyPackageSecrets:
        self.names += 1
        return key_package(f"client {self.names}", self.suite.id, supports=(EXTENSION,))

    def anyone(self) -> Group:
        return self.choice.choice(self.members)

    def step(self) -> str:
        """One random change, checked; its name."""
        commits = [self.add, self.remove, self.update, self.mix, self.extend, self.share]
        others = [self.enter, self.resync, self.race, self.propose, self.talk, self.restore]
        change = self.choice.choice([*commits, *others])
        change()
        self.check()
        return change.__name__

    def check(self) -> None:
        assert len({exported(member) for member in self.members}) == 1
        assert len({member.epoch_authenticator for member in self.members}) == 1
        assert all(member.public == self.public for member in self.members)
        leaves = {index for index, _ in self.public.tree.leaves()}
        assert leaves == {member.own_leaf for member in self.members}

    def order(self, author: Group, pending: PendingCommit) -> None:
        """The delivery service orders a commit; everybody else processes it."""
        staged = self.public.stage(pending.commit)
        self.public = PublicGroup.decode(staged.after.encode())
        self._spread(author, pending, staged.removes)

    def _spread(self, author: Group, pending: PendingCommit, removes: Collection[int]) -> None:
        others = [member for member in self.members if member is not author]
        self.members = [pending.group]
        for member in others:
            self._deliver(member, pending.commit, removed=member.own_leaf in removes)

    def _deliver(self, member: Group, commit: bytes, *, removed: bool) -> None:
        garbled = bytearray(commit)
        garbled[self.choice.randrange(len(commit))] ^= 1 << self.choice.randrange(8)
        with pytest.raises(MLSError):
            member.process(bytes(garbled))
        if removed:
            with pytest.raises(Removed):
                member.process(commit)
        else:
            self.members.append(member.process(commit))

    def _commit(self, adding: int, removing: int) -> None:
        author = self.anyone()
        others = [member.own_leaf for member in self.members if member is not author]
        removes = self.choice.sample(others, min(removing, len(others)))
        room = MOST_MEMBERS - len(self.members)
        joining = [self.newcomer() for _ in range(min(adding, room))]
        pending = author.commit(
            adds=[one.package for one in joining],
            removes=removes,
            force_path=self.choice.random() < 0.5,
            with_tree_in_welcome=True,
        )
        self.order(author, pending)
        for own in joining:
            assert pending.welcome is not None
            self.members.append(Group.join(self.suite, pending.welcome, own))

    def add(self) -> None:
        self._commit(self.choice.randint(1, 3), 0)

    def remove(self) -> None:
        self._commit(0, self.choice.randint(1, 2))

    def update(self) -> None:
        self._commit(0, 0)

    def mix(self) -> None:
        self._commit(self.choice.randint(1, 2), self.choice.randint(1, 2))

    def extend(self) -> None:
        author, content = self.anyone(), secrets.token_bytes(4)
        changed = author.commit(group_context_extensions=[(EXTENSION, content)])
        self.order(author, changed)

    def share(self) -> None:
        """A secret agreed on elsewhere enters the key schedule."""
        known = {b"shared": secrets.token_bytes(32)}
        self.members = [member.with_external_psks(known) for member in self.members]
        author, psk = self.anyone(), ExternalPSK(b"shared", secrets.token_bytes(32))
        self.order(author, author.commit(psks=[psk]))

    def race(self) -> None:
        """Two commit upon one epoch: whoever comes second is late for everybody."""
        winner, loser = self.anyone(), self.anyone()
        late = loser.commit(force_path=True)
        self.order(winner, winner.commit(force_path=True))
        for judge in (self.public.stage, self.anyone().process):
            with pytest.raises(WrongEpoch):
                judge(late.commit)

    def propose(self) -> None:
        """Somebody proposes that somebody goes; another commits it by reference."""
        if len(self.members) == 1:
            return
        going = self.anyone().own_leaf
        proposal = frame(self.anyone(), Remove(going))
        received = [member.process_message(proposal) for member in self.members]
        self.members = [one.group for one in received]
        author = self.choice.choice([one for one in self.members if one.own_leaf != going])
        pending = author.commit(references=[received[0].reference])
        with pytest.raises(ValidationError):  # who has heard no proposal would not order it
            self.public.stage(pending.commit)
        self.public = pending.group.public
        self._spread(author, pending, (going,))

    def enter(self) -> None:
        if len(self.members) < MOST_MEMBERS:
            self._enter(secrets.token_bytes(32), ())

    def resync(self) -> None:
        lost = self.anyone()
        if len(self.members) > 1:
            self._enter(state_of(lost).signature_private, (lost.own_leaf,))

    def _enter(self, signer: bytes, removes: tuple[int, ...]) -> None:
        host = self.choice.choice([one for one in self.members if one.own_leaf not in removes])
        self.names += 1
        pending = Group.join_externally(
            host.group_info(with_tree=False),
            b"client %d" % self.names,
            signer,
            capabilities=capabilities(self.suite.id, (EXTENSION,)),
            removes=removes,
            ratchet_tree=self.public.tree.encode(),
        )
        self.order(pending.group, pending)

    def talk(self) -> None:
        author = self.anyone()
        message, spoken = author.protect(b"hello")
        self.members = [
            spoken if member is author else member.process_message(message).group
            for member in self.members
        ]

    def restore(self) -> None:
        self.members = [Group.decode(member.encode()) for member in self.members]
        self.public = PublicGroup.decode(self.public.encode())


@pytest.mark.timeout(300 + STEPS)
@pytest.mark.parametrize("suite_id", SUITE_IDS)
def test_all_members_agree_through_a_random_life(suite_id: int) -> None:
    seed = int(os.environ.get("COTERIE_SEED") or secrets.randbits(32))
    print(f"COTERIE_SEED={seed}")  # noqa: T201
    life = Life(suite_id, random.Random(seed))  # noqa: S311
    steps: list[str] = []
    try:
        for _ in range(STEPS // len(SUITE_IDS)):
            steps.append(life.step())
    except Exception as error:
        raise AssertionError(f"COTERIE_SEED={seed} after {steps[-50:]}") from error
    assert len(set(steps)) >= 9, "a life has seen most kinds of change"
