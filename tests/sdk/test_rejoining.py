"""Coming back into a group: what a device has seen of it before, no server can undo."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from coterie.protocol.commands import (
    Commits,
    GetInvite,
    InviteDetails,
    JoinGroup,
    ListInviteCommits,
    Ordered,
)
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.content import Head
from coterie.sdk.errors import Forked, UntrustedGroup
from coterie.sdk.log import Log
from tests.sdk.people import People, gather_in, look, tell, texts
from tests.sdk.proxy import Liar, Proxy


@pytest.fixture
async def mallory(people: People) -> Client:
    return await people.meet("mallory")


class Club:
    """A group that dora and mallory have entered by one link, which stays open."""

    def __init__(self, people: People, proxy: Proxy, club: str, link: str) -> None:
        self.people = people
        self.proxy = proxy
        self.id = club
        self.link = link

    async def details(self) -> InviteDetails:
        """What the server tells now of the link."""
        profile = open_profile(self.people.homes / "anna")
        try:
            command = GetInvite(code=self.link.split("/join/")[1].split("#")[0])
            return await profile.connection.call(command, InviteDetails)
        finally:
            await profile.close()

    def show(self, past: InviteDetails, *more: bytes) -> None:
        """The group as it was then, and these commits after it; whoever comes is let in."""
        shown = past.group_infos.epoch - past.anchor_epoch - len(more)

        def cut(true: Commits, _: dict[str, str]) -> Commits:
            return replace(true, commits=[*true.commits[:shown], *more], more=False)

        self.proxy.forge(GetInvite, lambda true, _: past)
        self.proxy.forge(ListInviteCommits, cut)
        ordered = Ordered(
            conversation_id=UUID(self.id),
            seq=1000,
            epoch=past.group_infos.epoch + 1,
            chain_before=bytes(32),
        )
        self.proxy.answer(JoinGroup, ordered)
        self.proxy.asked.clear()


@pytest.fixture
async def club(people: People, liar: Liar, anna: Client, mallory: Client, dora: Client) -> Club:
    group = await gather_in("club", anna)
    link = str((await anna.create_invite(group)).link)
    for one in (mallory, dora):
        await one.join(link)
    await mallory.read(group)
    return Club(people, liar[0], group, link)


@pytest.mark.parametrize("goes", ["by herself", "by a moderator"])
async def test_who_comes_back_is_not_led_to_before_a_removal_that_they_saw(
    club: Club, anna: Client, dora: Client, goes: str
) -> None:
    past = await club.details()
    await anna.kick(club.id, "mallory")
    await dora.read(club.id)
    if goes == "by herself":
        await dora.leave(club.id)
    else:
        await anna.kick(club.id, "dora")
    club.show(past)
    with pytest.raises(UntrustedGroup, match="as it was before"):
        await dora.join(club.link)
    assert JoinGroup not in club.proxy.asked, "nothing is even proposed"
    club.proxy.be_honest()
    await dora.join(club.link)
    assert {one.username for one in await dora.members(club.id)} == {"anna", "dora"}


async def test_who_comes_back_is_not_led_into_a_branch_that_somebody_removed_goes_on_with(
    club: Club, anna: Client, dora: Client
) -> None:
    """It is as long as the true one; but it is not the one that dora was in."""
    past = await club.details()
    await anna.kick(club.id, "mallory")
    await dora.read(club.id)
    await dora.leave(club.id)

    def go_on(log: Log) -> tuple[bytes, InviteDetails]:
        made = log.group.commit(force_path=True)
        infos = replace(
            past.group_infos,
            epoch=made.group.epoch,
            group_infos=[made.group.group_info(with_tree=False)],
            ratchet_tree=made.group.public.tree.encode(),
        )
        return made.commit, replace(past, group_infos=infos)

    commit, branch = await look(club.people.homes / "mallory", club.id, go_on)
    club.show(branch, commit)
    with pytest.raises(UntrustedGroup, match="is another than this device has seen"):
        await dora.join(club.link)
    assert JoinGroup not in club.proxy.asked


async def test_what_was_written_is_not_written_over_by_coming_back(
    club: Club, anna: Client, dora: Client
) -> None:
    """The server gives dora's return a place in the log that she has seen taken."""
    for text in ("one", "two"):
        await anna.send(club.id, text)
    seen = [message.seq for message in await dora.read(club.id)]
    await dora.leave(club.id)
    club.proxy.forge(JoinGroup, lambda true, _: replace(true, seq=seen[0] - 1))
    with pytest.raises(UntrustedGroup, match="before what it has seen"):
        await dora.join(club.link)
    club.proxy.be_honest()
    await dora.join(club.link)
    await anna.send(club.id, "three")
    assert await texts(dora, club.id) == ["one", "two", "three"]


async def test_a_different_history_is_not_forgotten_by_coming_back(
    club: Club, mallory: Client, dora: Client
) -> None:
    await tell(club.people.homes / "mallory", club.id, Head(1, bytes(32)))
    await dora.read(club.id)
    own = await look(club.people.homes / "dora", club.id, lambda log: log.record.cursor)
    await tell(club.people.homes / "mallory", club.id, Head(own, bytes(32)))
    with pytest.raises(Forked):
        await dora.send(club.id, "no")
    await dora.leave(club.id)
    await dora.join(club.link)
    with pytest.raises(Forked):
        await dora.send(club.id, "still not")
