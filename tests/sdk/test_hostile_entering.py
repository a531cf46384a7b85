"""A server that lies about what one enters, and what a client makes of it."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from coterie.governance.anchors import anchor_of
from coterie.governance.leaves import SUITE, context_extensions
from coterie.governance.makers import first_state
from coterie.mls import Group, suite
from coterie.protocol.commands import (
    Anchor,
    GetAnchor,
    GetGroupInfo,
    GetInvite,
    InviteDetails,
    ListWelcomes,
    PublishGroupInfo,
)
from coterie.protocol.errors import NotFound
from coterie.sdk import Client
from coterie.sdk.errors import (
    UntrustedGroup,
)
from coterie.sdk.key_packages import make_key_package
from coterie.sdk.log import Log
from tests.sdk.people import People, gather_in, look, texts
from tests.sdk.proxy import Liar

NONSENSE = "what no protocol knows"


@pytest.mark.parametrize("told", [NotFound("conversation"), NONSENSE])
async def test_a_conversation_that_cannot_be_entered_does_not_stop_the_others(
    liar: Liar, anna: Client, bela: Client, dora: Client, told: object
) -> None:
    await anna.send("@dora", "let me in")
    await bela.send("@dora", "me too")
    asked: list[str] = []

    def forge(true: Anchor, path: dict[str, str]) -> object:
        asked.append(path["conversation_id"])
        return told if asked[-1] == asked[0] else true

    liar[0].forge(GetAnchor, forge)
    await dora.sync()
    (entered,) = await dora.requests()
    assert len(await dora.read(f"@{entered.username}")) == 1
    assert any("cannot be entered now" in warning for warning in dora.pop_warnings())
    liar[0].be_honest()
    await dora.sync()
    assert len(await dora.requests()) == 2, "its Welcome was kept for another time"


async def test_no_word_of_new_conversations_does_not_stop_those_there_are(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    await anna.send(club, "hello")
    liar[0].forge(ListWelcomes, lambda true, _: NONSENSE)
    await dora.sync()
    assert len(await dora.unread()) == 1


@pytest.mark.parametrize("of", ["nothing", "another epoch"])
async def test_a_group_info_that_is_none_is_corrected(
    people: People, liar: Liar, anna: Client, dora: Client, of: str
) -> None:
    club = await gather_in("club", anna, dora)
    old = await look(people.homes / "anna", club, lambda log: log.group.group_info(with_tree=False))
    await anna.update_group(club, name="Club")
    false = b"no GroupInfo" if of == "nothing" else old
    liar[0].forge(GetGroupInfo, lambda true, _: replace(true, group_infos=[false]))
    await dora.send(club, "hello")
    assert PublishGroupInfo in liar[0].asked
    assert await texts(anna, club) == ["hello"]


async def test_an_old_group_info_lets_nobody_in(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """The state from before bela's ban, so that bela would get dora's keys."""
    club = await gather_in("club", anna, bela)
    link = str((await anna.create_invite(club)).link)
    seen: list[InviteDetails] = []
    liar[0].forge(GetInvite, lambda true, _: seen.append(true) or true)
    code = link.split("/join/")[1].split("#")[0]
    await anna.ban(club, "bela", keep_invites=[code])

    def forge(true: InviteDetails, _: dict[str, str]) -> InviteDetails:
        stale = true.anchor_epoch  # the GroupInfo of now, said to be that of the anchor
        return replace(true, group_infos=replace(true.group_infos, epoch=stale))

    liar[0].forge(GetInvite, forge)
    with pytest.raises(UntrustedGroup):
        await dora.join(link)
    liar[0].be_honest()
    await dora.join(link)


async def test_a_group_of_the_same_id_with_other_people_lets_nobody_in(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna)
    link = str((await anna.create_invite(club)).link)
    await people.meet("mallory")
    fake = await _fake_group(people, "mallory", UUID(club))

    def forge(true: InviteDetails, _: dict[str, str]) -> InviteDetails:
        infos = replace(
            true.group_infos,
            group_infos=[fake.group_info(with_tree=False)],
            ratchet_tree=fake.public.tree.encode(),
            epoch=0,
        )
        return replace(true, anchor=anchor_of(fake.public), anchor_epoch=0, group_infos=infos)

    liar[0].forge(GetInvite, forge)
    with pytest.raises(UntrustedGroup, match="anchor"):
        await dora.join(link)


async def _fake_group(people: People, username: str, group_id: UUID) -> Group:
    client = people.again(username)
    own = await client.create_group("own")

    def make(log: Log) -> Group:
        key = log.account.identity_key
        state = first_state(bytes(32), log.account.server_key, key, "club")
        package = make_key_package(log.account)
        return Group.create(suite(SUITE), group_id.bytes, package, context_extensions(state))

    return await look(people.homes / username, str(own.group_id), make)
