"""Groups, their members, and everything that changes who may do what."""

import asyncio
from datetime import timedelta

import pytest

from coterie.protocol import limits
from coterie.protocol.commands import Act
from coterie.protocol.errors import (
    Forbidden,
    InviteSpent,
    NotFound,
    OwnerMustTransfer,
    Refused,
    SlowMode,
)
from coterie.protocol.roles import Inviters, Role
from coterie.sdk import Client
from coterie.sdk.errors import AmbiguousName, BadTarget, ClientError, NotAMember, NotFoundHere
from tests.sdk.people import People, gather_in, texts


async def roles(client: Client, ref: str) -> dict[str, Role]:
    return {member.username: member.role for member in await client.members(ref)}


async def refusal_of(attempt: object) -> object:
    assert asyncio.iscoroutine(attempt)
    with pytest.raises(Refused) as caught:
        await attempt
    return caught.value.refusal


async def test_a_group_is_found_by_name_and_by_id(anna: Client) -> None:
    made = await anna.create_group("Café Ω", "coffee")
    for ref in ("Café Ω", str(made.group_id), str(made.group_id).upper()):
        shown = await anna.group(ref)
        assert (shown.group_id, shown.name) == (made.group_id, "Café Ω")
        assert (shown.description, shown.owner, shown.role) == ("coffee", "anna", Role.OWNER)
    assert [group.name for group in await anna.groups()] == ["Café Ω"]


async def test_an_ambiguous_name_is_refused_with_the_ids(anna: Client) -> None:
    ids = {str((await anna.create_group("twins")).group_id) for _ in range(2)}
    with pytest.raises(AmbiguousName) as caught:
        await anna.send("twins", "which?")
    assert all(one in str(caught.value) for one in ids)
    await anna.send(ids.pop(), "you")


async def test_a_name_means_the_group_one_is_in(anna: Client, bela: Client) -> None:
    """Not the one of the same name that bela was put out of, though nobody has told her."""
    old = await gather_in("club", anna, bela)
    await anna.kick(old, "bela")
    await bela.create_group("club")
    await bela.send("club", "by myself")
    assert await texts(bela, "club") == ["by myself"]


async def test_what_breaks_a_limit_is_told_in_words_and_leaves_nothing(
    anna: Client, bela: Client
) -> None:
    """Nothing is stored either: a request that nobody takes would stop all that come after it."""
    for attempt, words in (
        (anna.create_group(""), "name"),
        (anna.create_group(" \t"), "name"),
        (anna.create_group("x" * 101), "1 to 100"),
        (anna.create_group("club", "x" * 2_001), "at most 2000"),
        (anna.send("@Bela", "hello"), "2 to 32"),
        (anna.read("@"), "2 to 32"),
    ):
        with pytest.raises(ClientError, match=words):
            await attempt
    made = await anna.create_group("club")
    with pytest.raises(ClientError, match="uses"):
        await anna.create_invite("club", max_uses=10_001)
    with pytest.raises(ClientError, match="reason"):
        await anna.ban("club", bela.username, "x" * 501)
    await anna.send("club", "on we go")
    assert [group.group_id for group in await anna.groups()] == [made.group_id]


async def test_a_group_one_is_not_in_is_not_found(anna: Client, bela: Client) -> None:
    made = await anna.create_group("club")
    for ref in ("club", str(made.group_id)):
        with pytest.raises(NotFoundHere):
            await bela.send(ref, "let me in")


async def test_a_new_name_is_signed_and_found_by_everybody(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await anna.update_group(club, name="Club", description="d", inviters=Inviters.MEMBERS)
    shown = await bela.group("Club")
    assert (shown.name, shown.description) == ("Club", "d")
    assert shown.inviters is Inviters.MEMBERS
    await bela.create_invite("Club")


async def test_who_may_invite_is_announced_to_everybody_but_who_changed_it(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await anna.send(club, "hello")
    for client in (bela, chen):
        await client.read(club)
        client.pop_warnings()
    await anna.update_group(club, inviters=Inviters.MEMBERS)
    assert anna.pop_warnings() == []
    told = "anna has changed the rules of club: all members make invite links, and who joins"
    for client in (bela, chen):
        await client.read(club)
        (warning,) = client.pop_warnings()
        assert warning.startswith(told)
        await client.read(club)
        assert client.pop_warnings() == [], "once"
    await anna.update_group(club, name="Club")
    await bela.read(club)
    assert bela.pop_warnings() == [], "a name is no rule"
    await anna.update_group(club, inviters=Inviters.MODERATORS)
    await bela.read(club)
    (warning,) = bela.pop_warnings()
    assert "moderators and above make invite links" in warning


async def test_a_setting_that_is_so_already_changes_nothing(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    before = (await anna.group(club)).inviters
    await anna.update_group(club, inviters=before, description="still")
    await bela.sync()
    assert bela.pop_warnings() == []
    assert (await bela.group(club)).description == "still"


async def test_slow_mode_says_how_long_to_wait(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await anna.update_group(club, slow_mode=timedelta(minutes=5))
    assert (await bela.group(club)).slow_mode == timedelta(minutes=5)
    sent = await bela.send(club, "first")
    refused = await refusal_of(bela.send(club, "second"))
    assert isinstance(refused, SlowMode)
    assert f"in {refused.retry_after} seconds" in str(refused)
    await bela.edit(club, sent.message_id, "first, and last")
    await anna.update_group(club, name="Club", slow_mode=timedelta())
    assert (await bela.group(club)).slow_mode == timedelta()
    await bela.send(club, "third")
    assert await texts(anna, club) == ["first, and last", "third"], "the refused one is nowhere"


async def test_roles_decide(anna: Client, bela: Client, chen: Client) -> None:
    club = await gather_in("club", anna, bela, chen)
    assert isinstance(await refusal_of(bela.update_group(club, name="x")), Forbidden)
    await anna.set_role(club, "bela", Role.ADMIN)
    await bela.update_group(club, name="Club")
    await bela.set_role(club, "chen", Role.MODERATOR)
    assert isinstance(await refusal_of(chen.set_role(club, "bela", Role.MEMBER)), Forbidden)
    expected = {"anna": Role.OWNER, "bela": Role.ADMIN, "chen": Role.MODERATOR}
    for client in (anna, bela, chen):
        assert await roles(client, club) == expected
    with pytest.raises(BadTarget):
        await anna.set_role(club, "bela", Role.OWNER)
    await anna.set_role(club, "chen", Role.MEMBER)
    assert await refusal_of(chen.create_invite(club)) == Forbidden("invite")


async def test_the_audit_log_says_who_did_what_to_whom_and_why(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    rude = await bela.send(club, "rude")
    await anna.delete(club, rude.message_id, "no insults")
    await anna.kick(club, "bela", "too loud")
    invite = await anna.create_invite(club)
    await chen.join(str(invite.link))
    assert await refusal_of(chen.audit(club)) == Forbidden("see_audit")
    await anna.set_role(club, "chen", Role.MODERATOR, "she is reliable")
    acts = [
        (one.act, one.actor, one.target, one.message_id, one.detail, one.reason)
        for one in await chen.audit(club, limit=4)
    ]
    assert acts == [
        (Act.SET_ROLE, "anna", "chen", None, "moderator", "she is reliable"),
        (Act.CREATE_INVITE, "anna", None, None, invite.code, None),
        (Act.KICK, "anna", "bela", None, None, "too loud"),  # whom chen has never met
        (Act.DELETE_MESSAGE, "anna", "bela", rude.message_id, None, "no insults"),
    ]
    whole = await anna.audit(club)
    assert await anna.audit(club, before=whole[1].audit_id) == whole[2:]


async def test_the_audit_log_is_read_in_as_many_pages_as_it_takes(anna: Client) -> None:
    club = await gather_in("club", anna)
    for number in range(limits.PAGE_ROWS + 1):
        await anna.update_group(club, description=f"{number}")
    assert len(await anna.audit(club, limit=1_000)) == limits.PAGE_ROWS + 1
    assert len(await anna.audit(club, limit=limits.PAGE_ROWS)) == limits.PAGE_ROWS


async def test_a_transfer_makes_one_owner_of_another(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    await anna.transfer(club, "bela")
    expected = {"bela": Role.OWNER, "anna": Role.ADMIN}
    assert await roles(anna, club) == await roles(bela, club) == expected


async def test_who_is_kicked_reads_nothing_new_and_may_come_back(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await anna.send(club, "before")
    assert await texts(bela, club) == ["before"]
    await anna.kick(club, "bela", "too loud")
    await anna.send(club, "behind your back")
    with pytest.raises(NotAMember, match="no longer a member of club"):
        await bela.send(club, "hey")
    assert await texts(bela, club) == ["before"], "what the device kept"
    assert bela.pop_warnings()
    await bela.join(str((await anna.create_invite(club)).link))
    await anna.send(club, "welcome back")
    assert await texts(bela, club) == ["before", "welcome back"]
    await bela.send(club, "thanks")
    assert await texts(anna, club) == ["before", "behind your back", "welcome back", "thanks"]


async def test_a_ban_shuts_every_door_but_those_kept(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    kept, shut = await anna.create_invite(club), await anna.create_invite(club)
    await anna.ban(club, "bela", "spam", keep_invites=[kept.code])
    (banned,) = await anna.bans(club)
    assert (banned.username, banned.reason, banned.banned_by) == ("bela", "spam", "anna")
    assert [invite.code for invite in await anna.invites(club)] == [kept.code]
    for link in (shut.link, kept.link):
        assert isinstance(await refusal_of(bela.join(str(link))), NotFound)
    await chen.join(str(kept.link))
    await anna.send(club, "without bela")
    assert await texts(chen, club) == ["without bela"]
    await anna.unban(club, "bela")
    await bela.join(str(kept.link))
    assert "bela" in await roles(anna, club)


async def test_somebody_outside_can_be_banned_beforehand(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna)
    await anna.ban(club, "bela")
    link = (await anna.create_invite(club)).link
    assert isinstance(await refusal_of(bela.join(str(link))), NotFound)
    with pytest.raises(NotFoundHere):
        await anna.unban(club, "anna")


async def test_nobody_acts_on_themselves(anna: Client) -> None:
    await anna.create_group("club")
    for attempt in (anna.kick("club", "anna"), anna.ban("club", "anna")):
        with pytest.raises(BadTarget, match="leave"):
            await attempt


async def test_somebody_not_in_the_group_cannot_be_kicked(anna: Client, bela: Client) -> None:
    await anna.create_group("club")
    with pytest.raises(NotFoundHere):
        await anna.kick("club", bela.username)
    assert isinstance(await refusal_of(anna.kick("club", "nobody")), NotFound)


async def test_who_left_is_removed_by_whoever_sends_next(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await anna.set_role(club, "bela", Role.MODERATOR)
    await bela.create_invite(club)
    await bela.leave(club)
    assert set(await roles(anna, club)) == {"anna", "chen"}
    assert (await anna.group(club)).members == 2
    await chen.send(club, "a plain member removes the keys")
    await anna.send(club, "fine")
    assert await texts(anna, club) == ["a plain member removes the keys", "fine"]
    assert len(await anna.invites(club)) == 1, "the link of who left went with them"
    with pytest.raises(ClientError):
        await bela.send(club, "I am gone")
    assert await bela.groups() == []


async def test_who_left_may_come_back_before_the_keys_are_removed(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    link = str((await anna.create_invite(club)).link)
    await bela.leave(club)
    await bela.join(link)
    await bela.send(club, "changed my mind")
    await anna.send(club, "good")
    assert await texts(anna, club) == await texts(bela, club) == ["changed my mind", "good"]


async def test_an_owner_hands_over_before_leaving(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    assert isinstance(await refusal_of(anna.leave(club)), OwnerMustTransfer)
    await anna.transfer(club, "bela")
    await anna.leave(club)
    await bela.send(club, "alone")
    await bela.leave(club)
    assert await bela.groups() == [], "the last one out deletes the group"


async def test_a_deleted_group_is_gone_for_all(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    assert isinstance(await refusal_of(bela.delete_group(club)), Forbidden)
    await anna.delete_group(club)
    assert await anna.groups() == await bela.groups() == []


async def test_links_end_by_use_by_time_and_by_hand(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna)
    once = await anna.create_invite(club, max_uses=1, expires_in=timedelta(days=1))
    assert once.expires_at is not None
    await bela.join(str(once.link))
    assert isinstance(await refusal_of(chen.join(str(once.link))), InviteSpent)
    (shown,) = await anna.invites(club)
    assert (shown.code, shown.uses, shown.ended) == (once.code, 1, True)
    again = await anna.create_invite(club)
    codes = [one.code for one in await anna.invites(club)]
    assert codes == [again.code], "the ended one is dropped"
    await anna.revoke_invite(club, again.code)
    assert isinstance(await refusal_of(chen.join(str(again.link))), NotFound)
    with pytest.raises(NotFoundHere):
        await anna.revoke_invite(club, again.code)


async def test_two_at_once_change_a_group_and_both_changes_stand(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await anna.set_role(club, "bela", Role.ADMIN)
    also_anna = people.again("anna")
    await asyncio.gather(
        anna.create_invite(club),
        also_anna.create_invite(club),
        bela.update_group(club, name="Club"),
        bela.create_invite(club),
    )
    assert len(await anna.invites(club)) == 4
    assert (await also_anna.group(club)).name == "Club"
    await anna.send(club, "all of us")
    assert await texts(bela, club) == ["all of us"]
