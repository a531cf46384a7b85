"""The MLS delivery service: one commit per epoch, judged, ordered, served."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from coterie.governance import makers
from coterie.governance.leaves import CAPABILITIES, new_seat, seat_extension
from coterie.mls import Group, GroupInfo, PublicGroup
from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.chain import next_link
from coterie.protocol.errors import (
    CommitMismatch,
    CommitRefused,
    EpochStale,
    Forbidden,
    NotFound,
    RateLimited,
)
from coterie.protocol.header import EntryKind, entry_hash
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, Person, Proposal, group_of, outcome, packed, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- order


async def test_of_commits_to_one_epoch_one_wins(new_person: NewPerson) -> None:
    people = [await new_person(name) for name in ("bela", "chen", "dora")]
    bela, chen, dora = people
    group_id = await group_of(bela, (chen, Role.MEMBER), (dora, Role.MEMBER))
    epoch = bela.group(group_id).epoch
    proposals = [person.update(group_id) for person in people]

    asked = [outcome(p.send_commit(commit)) for p, commit in zip(people, proposals, strict=True)]
    answers = await asyncio.gather(*asked)
    assert [type(answer) for answer in answers].count(c.Ordered) == 1
    losers = [answer for answer in answers if not isinstance(answer, c.Ordered)]
    assert losers == [EpochStale(epoch + 1)] * 2
    for person in people:
        await person.catch_up(group_id)
    secrets_ = {person.group(group_id).export("test", b"", 32) for person in people}
    assert len(secrets_) == 1, "all of them are in the winner's epoch"


async def test_a_commit_takes_its_place_in_the_log(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    await bela.send(group_id)
    proposal = bela.update(group_id)
    ordered = await bela.send_commit(proposal)
    assert (ordered.seq, ordered.epoch) == (2, 1)
    before = await bela.ask(c.ListEntries(conversation_id=group_id, limit=1))
    assert ordered.chain_before == before.chain, "that of the message"
    entry = (await bela.log(group_id))[-1]
    content = proposal.pending.commit
    assert (entry.kind, entry.epoch, entry.content) == (EntryKind.COMMIT, 1, content)
    assert entry.hash == entry_hash(content)


async def test_a_commit_sent_again_is_answered_as_the_first_time(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    handover = bela.handover(group_id, chen)
    first = await bela.send_commit(handover)
    await bela.send(group_id)
    assert await bela.ask(handover.command) == first, "though bela may no longer do this"
    await chen.catch_up(group_id)
    await chen.send_commit(chen.update(group_id))
    assert await bela.ask(handover.command) == first
    assert await refusal(chen.ask(handover.command)) == Forbidden("transfer"), "it is bela's"


async def test_the_same_commit_twice_at_once_is_one(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    command = bela.update(group_id).command
    answers = await asyncio.gather(*(bela.ask(command) for _ in range(4)))
    assert answers == [answers[0]] * 4
    assert len(await bela.log(group_id)) == 1


async def test_a_commit_of_another_epoch_is_stale(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    late, first = bela.update(group_id), bela.update(group_id)
    await bela.send_commit(first)
    assert await refusal(bela.ask(late.command)) == EpochStale(1)
    assert isinstance(late.command, c.AdvanceEpoch)
    relabelled = msgspec.structs.replace(
        late.command, commit=msgspec.structs.replace(late.command.commit, epoch=1)
    )
    assert isinstance(await refusal(bela.ask(relabelled)), CommitRefused)
    early = msgspec.structs.replace(
        late.command, commit=msgspec.structs.replace(late.command.commit, epoch=9)
    )
    assert await refusal(bela.ask(early)) == EpochStale(1)


# --- what a commit must be


async def test_what_is_no_commit_of_this_group_changes_nothing(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    other_id = await bela.create_group()
    good = bela.update(group_id)
    assert isinstance(good.command, c.AdvanceEpoch)
    commit = good.command.commit
    elsewhere = packed(bela.commit(other_id))
    content = bytearray(commit.content)
    content[len(content) // 2] ^= 1
    for what, changes in {
        "damaged": {"content": bytes(content)},
        "rubbish": {"content": b"no commit"},
        "of another group": {"content": elsewhere.content},
        "with a GroupInfo of another group": {"group_info": elsewhere.group_info},
        "with rubbish for a GroupInfo": {"group_info": b"x"},
        "with a GroupInfo of the epoch before": {
            "group_info": bela.group(group_id).group_info(with_tree=False)
        },
        "with a GroupInfo that nobody can enter by": {
            "group_info": good.pending.group.group_info(with_tree=False, with_external_pub=False)
        },
        "with a GroupInfo that carries the tree": {
            "group_info": good.pending.group.group_info(with_tree=True)
        },
    }.items():
        bad = msgspec.structs.replace(
            good.command, commit=msgspec.structs.replace(commit, **changes)
        )
        assert isinstance(await refusal(bela.ask(bad)), CommitRefused), what
    assert isinstance(await refusal(chen.ask(good.command)), CommitMismatch), "it is bela's"
    assert (await bela.ask(c.GetGroup(group_id=group_id))).epoch == commit.epoch
    await bela.send_commit(good)


async def test_what_needs_a_right_has_its_own_command(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    for proposal in (
        bela.kick(group_id, chen),
        bela.ban(group_id, chen),
        bela.role_change(group_id, chen, Role.ADMIN),
        bela.handover(group_id, chen),
        bela.invitation(group_id)[1],
        bela.change(group_id, name="Orchard"),
    ):
        commit = packed(proposal.pending)
        command = c.AdvanceEpoch(conversation_id=group_id, commit=commit)
        assert isinstance(await refusal(bela.ask(command)), CommitMismatch), proposal.command
    assert (await bela.ask(c.GetGroup(group_id=group_id))).epoch == 2


async def test_dropping_what_is_ones_own_needs_no_right(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MODERATOR))
    await chen.invite(group_id)
    state = makers.without_own(chen.state(group_id), chen.key)
    pending = chen.commit(group_id, state=state)
    command = c.AdvanceEpoch(conversation_id=group_id, commit=packed(pending))
    await chen.send_commit(Proposal(command, pending))
    assert (await chen.ask(c.GetGroup(group_id=group_id))).role is Role.MEMBER


async def test_a_device_updates_itself_once_an_hour(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    await bela.send_commit(bela.update(group_id))
    refused = await refusal(bela.ask(bela.update(group_id).command))
    assert isinstance(refused, RateLimited)
    assert (await bela.ask(c.GetGroup(group_id=group_id))).epoch == bela.group(group_id).epoch
    await chen.catch_up(group_id)
    await chen.send_commit(chen.update(group_id))
    await bela.catch_up(group_id)
    await bela.send_commit(bela.role_change(group_id, chen, Role.ADMIN))


async def test_a_device_comes_back_by_resync_as_often_as_it_must(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MODERATOR))
    for _ in range(3):
        await chen.send_commit(await resync(chen, group_id))
    await bela.catch_up(group_id)
    assert (await chen.ask(c.GetGroup(group_id=group_id))).role is Role.MODERATOR
    assert bela.group(group_id).public == chen.group(group_id).public


async def test_a_device_cannot_come_back_without_end(new_person: NewPerson) -> None:
    """Each time makes what everybody else is about to commit late."""
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    most, _ = limits.RESYNCS_PER_DEVICE
    for _ in range(most):
        await chen.send_commit(await resync(chen, group_id))
    before = await bela.ask(c.GetGroup(group_id=group_id))
    once_more = await resync(chen, group_id)
    assert isinstance(await refusal(chen.ask(once_more.command)), RateLimited)
    assert await bela.ask(c.GetGroup(group_id=group_id)) == before
    await bela.send_commit(await resync(bela, group_id))
    other_id = await group_of(bela, (chen, Role.MEMBER))
    await chen.send_commit(await resync(chen, other_id))


async def resync(person: Person, group_id: UUID) -> Proposal:
    """In the place of one's own seat, upon what the server says is the newest epoch."""
    infos = await person.ask(c.GetGroupInfo(conversation_id=group_id))
    pending = Group.join_externally(
        infos.group_infos[-1],
        person.certificate.encode(),
        person.seed,
        capabilities=CAPABILITIES,
        leaf_extensions=[seat_extension(new_seat())],
        removes=person.leaves_of(group_id, person),
        ratchet_tree=infos.ratchet_tree,
    )
    command = c.AdvanceEpoch(conversation_id=group_id, commit=packed(pending))
    return Proposal(command, pending)


# --- what is served


async def test_commits_are_served_in_order_from_any_epoch(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    for _ in range(3):
        await bela.invite(group_id)
    log = await bela.log(group_id)
    page = await bela.ask(c.ListCommits(conversation_id=group_id))
    assert page.commits == [entry.content for entry in log]
    rest = await bela.ask(c.ListCommits(conversation_id=group_id, epoch=2))
    assert (rest.commits, rest.more) == (page.commits[2:], False)
    beyond = await bela.ask(c.ListCommits(conversation_id=group_id, epoch=9))
    assert beyond.commits == []
    asked = c.ListCommits(conversation_id=group_id)
    assert await refusal(chen.ask(asked)) == NotFound("conversation")


async def test_a_group_info_of_the_newest_epoch_can_be_corrected(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    group_id = await group_of(bela, (chen, Role.ADMIN))
    await bela.invite(group_id)
    await chen.catch_up(group_id)
    group = chen.group(group_id)
    mine = c.PublishGroupInfo(
        conversation_id=group_id, epoch=group.epoch, group_info=group.group_info(with_tree=False)
    )
    await chen.ask(mine)
    await chen.ask(mine)
    served = await chen.ask(c.GetGroupInfo(conversation_id=group_id))
    tree = PublicGroup.from_group_info(served.group_infos[0], served.ratchet_tree).tree
    signers = [
        chen.group(group_id).public.tree.leaf(GroupInfo.decode(info).signer)
        for info in served.group_infos
    ]
    assert [leaf and leaf.signature_key for leaf in signers] == [chen.device_key, bela.device_key]
    assert tree == group.public.tree
    stale = msgspec.structs.replace(mine, epoch=group.epoch - 1)
    assert await refusal(chen.ask(stale)) == EpochStale(group.epoch)
    of_bela = msgspec.structs.replace(
        mine, group_info=bela.group(group_id).group_info(with_tree=False)
    )
    assert isinstance(await refusal(chen.ask(of_bela)), CommitMismatch)
    forged = bytearray(mine.group_info)
    forged[-1] ^= 1
    damaged = msgspec.structs.replace(mine, group_info=bytes(forged))
    assert isinstance(await refusal(chen.ask(damaged)), CommitRefused)
    for asked in (mine, c.GetGroupInfo(conversation_id=group_id)):
        assert await refusal(dora.ask(asked)) == NotFound("conversation")
    await chen.send_commit(chen.update(group_id))
    served = await bela.ask(c.GetGroupInfo(conversation_id=group_id))
    assert len(served.group_infos) == 1, "a new epoch begins with its committer's"


async def test_anchors_are_for_members(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    asked = c.GetAnchor(conversation_id=group_id)
    assert await refusal(chen.ask(asked)) == NotFound("conversation")
    await bela.ask(asked)
    assert await refusal(bela.ask(c.GetAnchor(conversation_id=group_id, epoch=1))) == NotFound(
        "anchor"
    )


async def test_welcomes_are_their_devices_own(new_person: NewPerson) -> None:
    bela, chen, dora = [await new_person(name) for name in ("bela", "chen", "dora")]
    await chen.publish()
    opened = await bela.open_direct(chen)
    assert (await dora.ask(c.ListWelcomes())).welcomes == []
    for person in (dora, bela):
        await person.ask(c.RemoveWelcome(conversation_id=opened))
    (waiting,) = (await chen.ask(c.ListWelcomes())).welcomes
    assert (waiting.conversation_id, waiting.epoch, waiting.seq) == (opened, 1, 1)
    first = await chen.ask(c.ListEntries(conversation_id=opened))
    commit = first.entries[0]
    assert first.chain == next_link(waiting.chain_before, 1, commit.hash)


async def test_a_second_identity_of_the_same_account_gets_no_seat(new_person: NewPerson) -> None:
    """The name on the leaf is that of the account; the identity key must be, too."""
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await bela.create_group()
    link = await bela.invite(group_id)
    impostor = Person(chen.http, "impostor")
    impostor.user_id, impostor.device_id, impostor.token = chen.user_id, chen.device_id, chen.token
    impostor.certify()
    entry = await impostor.entry(link)
    assert isinstance(await refusal(impostor.ask(entry.command)), CommitMismatch)
    await chen.join(link)
