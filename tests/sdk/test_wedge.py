"""Commits and GroupInfos that the server cannot judge: honest members talk on all the same."""

import asyncio
from dataclasses import replace

import pytest

from coterie.mls import ExtensionType, Group, GroupInfo, suite
from coterie.mls.codec import opaque
from coterie.protocol.commands import (
    AdvanceEpoch,
    Commit,
    Done,
    GetGroupInfo,
    GroupInfos,
    Ordered,
    PublishGroupInfo,
)
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.log import Log
from coterie.sdk.pending import on_the_wire
from tests.sdk.people import People, gather_in, look, texts


def with_wrong_secrets(log: Log) -> Commit:
    """Right in public; nobody else arrives at the epoch's secrets."""
    state = log.group._state  # pyright: ignore[reportPrivateUsage]
    secrets = replace(state.secrets, init_secret=bytes(32))
    return on_the_wire(Group(replace(state, secrets=secrets)).commit(force_path=True))


def with_false_external_pub(log: Log) -> Commit:
    """A good commit, with a GroupInfo that leads whoever joins upon it into an epoch of his own."""
    made = log.group.commit(force_path=True)
    return Commit(
        epoch=log.group.epoch,
        content=made.commit,
        group_info=_false_group_info(made.group, log.account.device_seed),
    )


def _false_group_info(group: Group, seed: bytes) -> bytes:
    leaf = group.public.tree.leaf(group.own_leaf)
    assert leaf is not None
    other_key = leaf.encryption_key  # a valid one, and not the true one
    extensions = ((ExtensionType.EXTERNAL_PUB, opaque(other_key)),)
    context, tag = group.public.context, group.public.confirmation_tag
    return GroupInfo.sign(suite(1), seed, context, extensions, tag, group.own_leaf).encoded


async def advance(people: People, username: str, club: str, commit: Commit) -> None:
    profile = open_profile(people.homes / username)
    conversation_id = await look(people.homes / username, club, lambda log: log.conversation_id)
    command = AdvanceEpoch(conversation_id=conversation_id, commit=commit)
    await profile.connection.call(command, Ordered)
    await profile.close()


@pytest.mark.parametrize("others", [0, 4], ids=["two", "six"])
async def test_members_recover_from_a_commit_with_wrong_secrets(
    people: People, anna: Client, bela: Client, others: int
) -> None:
    crowd = [anna, *[await people.meet(f"guest{n}") for n in range(others)]]
    club = await gather_in("club", *crowd, bela)
    await anna.send(club, "before")
    for client in crowd:
        await client.read(club)
    await bela.read(club)
    evil = await look(people.homes / "bela", club, with_wrong_secrets)
    await advance(people, "bela", club, evil)
    async with asyncio.timeout(30):
        await asyncio.gather(*(one.send(club, f"from {one.username}") for one in crowd))
    for client in crowd:
        shown = await client.read(club)
        assert len(shown) == 1 + len(crowd)
        assert shown[0].text in ("before", None), "what was read before stays"
    await anna.send(club, "all here?")
    for client in crowd:
        assert (await client.read(club))[-1].text == "all here?"
    await bela.send(club, "me too")  # her honest client repairs itself like all others
    assert (await anna.read(club))[-1].text == "me too"


async def test_a_message_of_an_epoch_one_could_not_follow_is_a_stub(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    for client in (anna, bela, chen):
        await client.read(club)
    await advance(people, "bela", club, await look(people.homes / "bela", club, with_wrong_secrets))
    await chen.send(club, "I repaired myself first")  # in an epoch that anna has no keys of
    shown = await anna.read(club)
    assert [(m.text, m.problem) for m in shown] == [(None, "no_key")]
    await chen.send(club, "and now?")
    assert (await texts(anna, club))[-1] == "and now?"


async def test_a_false_external_pub_is_corrected_by_who_notices(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    link = str((await anna.create_invite(club)).link)
    await bela.read(club)
    false = await look(people.homes / "bela", club, with_false_external_pub)
    await advance(people, "bela", club, false)
    await anna.send(club, "I have looked")  # and published a GroupInfo that is right
    await chen.join(link)
    await chen.send(club, "hello")
    assert (await texts(anna, club))[-1] == "hello"
    assert (await anna.read(club))[-1].problem is None
    assert (await chen.read(club))[-1].text == "hello"


async def test_who_joins_upon_a_false_external_pub_does_not_stop_the_others(
    people: People, anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela)
    link = str((await anna.create_invite(club)).link)
    await bela.read(club)
    false = await look(people.homes / "bela", club, with_false_external_pub)
    await advance(people, "bela", club, false)
    await chen.join(link)  # before anybody could correct it
    async with asyncio.timeout(30):
        await anna.send(club, "still here")
        await chen.send(club, "so am I")
    assert (await texts(anna, club))[-2:] == ["still here", "so am I"]
    assert (await texts(chen, club))[-2:] == ["still here", "so am I"]


async def test_only_a_true_group_info_is_published(
    people: People, anna: Client, bela: Client
) -> None:
    """An honest group is not written to: what is on offer is compared and left alone."""
    club = await gather_in("club", anna, bela)
    await anna.send(club, "one")
    profile = open_profile(people.homes / "anna")
    conversation_id = await look(people.homes / "anna", club, lambda log: log.conversation_id)
    command = GetGroupInfo(conversation_id=conversation_id)
    infos = await profile.connection.call(command, GroupInfos)
    assert len(infos.group_infos) == 1, "the committer's, and nobody else had a reason"
    own = await look(people.homes / "anna", club, lambda log: log.group.group_info(with_tree=False))
    publish = PublishGroupInfo(conversation_id=conversation_id, epoch=infos.epoch, group_info=own)
    await profile.connection.call(publish, Done)
    await profile.close()
