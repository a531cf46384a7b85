"""A group of clients of several implementations, which must agree after whatever they do."""

from collections.abc import Sequence

from coterie.mls import PublicGroup
from tests.interop.client import Client, Committed, OpenClient, OwnClient

GROUP_ID = b"a group of strangers"


class Circle:
    """`steps` counts what would have failed had two not understood each other."""

    def __init__(self, founder: Client) -> None:
        founder.create(GROUP_ID)
        self.members = [founder]
        self.steps = 0

    def commit(
        self, by: Client, adds: Sequence[Client] = (), removes: Sequence[Client] = ()
    ) -> None:
        packages = [one.key_package() for one in adds]
        made = by.commit(packages, [self.leaf_of(one) for one in removes])
        self.deliver(by, made, adds, removes)

    def deliver(
        self,
        by: Client,
        made: Committed,
        adds: Sequence[Client] = (),
        removes: Sequence[Client] = (),
    ) -> None:
        """Everybody follows; who is added joins."""
        for member in self.members:
            if member is not by:
                stays = member.process(made.commit)
                assert stays is (member not in removes)
        self.members = [one for one in self.members if one not in removes]
        for one in adds:
            assert made.welcome
            one.join(made.welcome)
            self.members.append(one)
        self.steps += len(self.members) + len(removes) - 1
        self.check()

    def enter(self, newcomer: OpenClient, host: OpenClient, *, resync: bool = False) -> None:
        """From the outside, upon what `host` publishes."""
        commit = newcomer.enter(host.group_info(), resync=resync)
        self.members = [one for one in self.members if one is not newcomer]
        self.members.append(newcomer)
        self.deliver(newcomer, Committed(commit, None))

    def talk(self, by: Client) -> None:
        message = by.protect(by.name.encode())
        for member in self.members:
            if member is not by:
                assert member.open(message) == by.name.encode()
                self.steps += 1

    def restore(self) -> None:
        for member in self.members:
            member.restore()
        self.check()

    def check(self) -> None:
        """Epoch, exported secret and tree are the same for all."""
        views = {member.name: member.view() for member in self.members}
        assert len(set(views.values())) == 1, views

    @property
    def public(self) -> PublicGroup:
        """As one of ours sees it."""
        return next(one.group.public for one in self.members if isinstance(one, OwnClient))

    def leaf_of(self, member: Client) -> int:
        name = member.name.encode()
        return next(index for index, leaf in self.public.tree.leaves() if leaf.identity == name)
