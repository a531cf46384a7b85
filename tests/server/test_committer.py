"""The committer against a real PostgreSQL: who is let in, and in which order."""

from uuid import uuid4

import pytest

from coterie.protocol import limits
from coterie.protocol.chain import next_link
from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.errors import (
    Blocked,
    EpochStale,
    Malformed,
    NotFound,
    RateLimited,
    RemovalPending,
    Taken,
)
from coterie.protocol.header import EntryKind, Header, entry_hash
from coterie.server.realtime.committer import OVERLAP_MESSAGES, Committer, running_committer
from coterie.server.realtime.hub import Hub
from tests.server.committing import log_of, outcomes, refusal
from tests.server.population import GENESIS, Population, message

pytestmark = pytest.mark.timeout(60)


# --- what is written


async def test_a_message_is_a_row_with_its_place_in_the_chain(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    first, second = message(alice, group), message(alice, group)

    one = await committer.send(alice, first)
    two = await committer.send(alice, second)

    chain_1 = next_link(GENESIS, 1, entry_hash(first.entry))
    chain_2 = next_link(chain_1, 2, entry_hash(second.entry))
    assert await log_of(population, group) == [
        (1, one.message_id, entry_hash(first.entry), chain_1),
        (2, two.message_id, entry_hash(second.entry), chain_2),
    ]
    heads = await population.run("SELECT seq, chain FROM conversations WHERE id = %s", group)
    assert heads == [(2, chain_2)]
    stored = await population.run(
        "SELECT sender_id, group_id, recipient_id, device_id, content_ciphertext FROM messages"
        " WHERE id = %s",
        one.message_id,
    )
    assert stored == [(alice.user_id, group, None, alice.device_id, first.entry)]


async def test_a_direct_message_names_its_recipient(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    direct = await population.direct(alice, bela)

    await committer.send(alice, message(alice, direct))
    await committer.send(bela, message(bela, direct))

    rows = await population.run(
        "SELECT sender_id, recipient_id, group_id FROM messages ORDER BY seq"
    )
    assert rows == [
        (alice.user_id, bela.user_id, None),
        (bela.user_id, alice.user_id, None),
    ]


async def test_messages_sent_at_once_share_commits_and_keep_gapless_chains(
    population: Population, committer: Committer
) -> None:
    people = await population.people(4)
    groups = [await population.group(*people) for _ in range(3)]
    sent = [(actor, message(actor, group)) for actor in people for group in groups * 10]

    answers = await outcomes(committer, *sent)

    assert all(isinstance(answer, Accepted) for answer in answers)
    for group in groups:
        chain = GENESIS
        log = await log_of(population, group)
        assert [row[0] for row in log] == list(range(1, 41)), "gap-free"
        for seq, _, digest, stored in log:
            chain = next_link(chain, seq, digest)
            assert stored == chain
    commits = await population.run("SELECT count(DISTINCT xmin::text) FROM messages")
    assert commits[0][0] <= 3, "120 messages that arrived together took few commits"


async def test_a_batch_larger_than_what_the_socket_takes_at_once_is_written(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    large = [(alice, message(alice, group, size=60_000)) for _ in range(100)]
    many = [(alice, message(alice, group)) for _ in range(3 * limits.BATCH_MESSAGES)]

    answers = await outcomes(committer, *large, *many)

    assert [answer.seq for answer in answers] == list(range(1, len(answers) + 1))


async def test_a_message_costs_as_few_lookups_in_a_long_log_as_in_an_empty_one(
    population: Population, database_url: str
) -> None:
    """The statements are planned while the tables are empty, and must not be what they look like
    then: a look at every row."""
    alice = await population.person()
    group = await population.group(alice)
    async with running_committer(database_url, Hub()) as committer:
        for _ in range(10):
            sent = [(alice, message(alice, group)) for _ in range(100)]
            answers = await outcomes(committer, *sent)
            assert all(isinstance(answer, Accepted) for answer in answers)

    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while (await population.run(others))[0][0] > 1:
        pass  # the committer's connection reports what it read when it ends
    read = await population.run("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
    assert read[0][0] < 20 * 1_000, "a handful of index entries for each of 1,000 messages"


# --- who is refused, and how


async def test_a_stranger_learns_nothing(population: Population, committer: Committer) -> None:
    alice, bela, mallory = await population.people(3)
    group = await population.group(alice)
    direct = await population.direct(alice, bela)

    for conversation_id in (group, direct, uuid4()):
        stale = message(mallory, conversation_id, epoch=7)
        assert await refusal(committer.send(mallory, stale)) == NotFound("conversation")
    assert isinstance(await committer.send(alice, message(alice, group)), Accepted)


async def test_each_row_is_judged_alone(population: Population, committer: Committer) -> None:
    alice, mallory = await population.people(2)
    group = await population.group(alice)

    answers = await outcomes(
        committer,
        (alice, message(alice, group)),
        (mallory, message(mallory, group)),
        (alice, message(alice, group, epoch=1)),
        (alice, message(alice, group)),
    )

    assert [answer.seq if isinstance(answer, Accepted) else answer for answer in answers] == [
        1,
        NotFound("conversation"),
        EpochStale(0),
        2,
    ]


async def test_the_blocked_one_is_told_so_and_the_other_may_write(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    direct = await population.direct(alice, bela)
    await population.run("INSERT INTO blocks VALUES (%s, %s)", alice.user_id, bela.user_id)

    assert await refusal(committer.send(bela, message(bela, direct))) == Blocked()
    assert isinstance(await committer.send(alice, message(alice, direct)), Accepted)


async def test_nobody_sends_while_a_removal_is_pending(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    group = await population.group(alice)
    await population.run("INSERT INTO departures VALUES (%s, %s, '', 1)", group, bela.user_id)

    assert await refusal(committer.send(alice, message(alice, group))) == RemovalPending()
    await population.run("DELETE FROM departures")
    assert isinstance(await committer.send(alice, message(alice, group)), Accepted)


@pytest.mark.parametrize("fault", ["kind", "conversation", "device", "epoch", "short", "twice"])
async def test_a_header_that_does_not_fit_never_reaches_the_batch(
    fault: str, population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    kind = EntryKind.EDIT if fault == "kind" else EntryKind.MESSAGE
    header = Header(
        uuid4() if fault == "conversation" else group,
        2**63 if fault == "epoch" else 0,
        uuid4() if fault == "device" else alice.device_id,
        uuid4(),
        kind,
    )
    entry = header.encode() + bytes(39 if fault == "short" else 40)
    file_id = uuid4()
    file_ids = [file_id, file_id] if fault == "twice" else []
    command = SendMessage(conversation_id=group, entry=entry, file_ids=file_ids)

    assert isinstance(await refusal(committer.send(alice, command)), Malformed)


# --- replies


async def test_a_reply_finds_its_target_by_hash(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    original = message(alice, group)
    reply = message(alice, group, target=entry_hash(original.entry))

    first = await committer.send(alice, original)
    second = await committer.send(alice, reply)

    rows = await population.run("SELECT reply_to_id FROM messages WHERE id = %s", second.message_id)
    assert rows == [(first.message_id,)]


async def test_a_reply_may_arrive_together_with_what_it_answers(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    original = message(alice, group)
    reply = message(alice, group, target=entry_hash(original.entry))

    first, second = await outcomes(committer, (alice, original), (alice, reply))

    rows = await population.run("SELECT id, reply_to_id FROM messages ORDER BY seq")
    assert rows == [(first.message_id, None), (second.message_id, first.message_id)]


async def test_a_reply_cannot_reach_out_of_what_its_sender_may_read(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    here, elsewhere = [await population.group(alice) for _ in range(2)]
    before, deleted, foreign = message(alice, here), message(alice, here), message(alice, elsewhere)
    for command in (before, deleted, foreign):
        await committer.send(alice, command)
    await population.run(
        "UPDATE messages SET deleted_at = now() WHERE entry_hash = %s", entry_hash(deleted.entry)
    )
    await population.join(here, bela)

    for target in (before, deleted, foreign):
        reply = message(bela, here, target=entry_hash(target.entry))
        assert await refusal(committer.send(bela, reply)) == NotFound("message")
    reply = message(alice, here, target=entry_hash(before.entry))
    assert isinstance(await committer.send(alice, reply), Accepted)


# --- repetition


async def test_a_repeated_message_is_answered_as_the_first_time_even_in_a_later_epoch(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    command = message(alice, group)
    first = await committer.send(alice, command)
    await population.run("UPDATE conversations SET epoch = 5")

    header = Header.decode(command.entry)
    encrypted_anew = message(alice, group, epoch=5, client_id=header.client_id)

    assert await committer.send(alice, command) == first
    assert await committer.send(alice, encrypted_anew) == first
    assert len(await log_of(population, group)) == 1


async def test_repetitions_in_one_batch_are_one_message(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    command = message(alice, group)

    answers = await outcomes(committer, *[(alice, command)] * 5)

    assert len(set(answers)) == 1
    assert len(await log_of(population, group)) == 1


async def test_however_many_repetitions_there_are_everybody_is_answered(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    group = await population.group(alice, bela)
    command = message(alice, group)
    client_id = Header.decode(command.entry).client_id
    again = [message(alice, group, client_id=client_id) for _ in range(2 * OVERLAP_MESSAGES)]

    asked = [(alice, one) for one in [command] * 90 + again] + [(bela, message(bela, group))]
    answers = await outcomes(committer, *asked)

    assert len(set(answers[:-1])) == 1
    assert isinstance(answers[-1], Accepted)
    assert len(await log_of(population, group)) == 2


async def test_more_repetitions_than_anybody_needs_are_refused(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    command = message(alice, group)

    answers = await outcomes(committer, *[(alice, command)] * (limits.DEFERRED_MESSAGES + 9))

    assert answers.count(RateLimited(retry_after=1)) == 8
    assert len({answer for answer in answers if isinstance(answer, Accepted)}) == 1
    assert isinstance(await committer.send(alice, message(alice, group)), Accepted)


async def test_a_client_id_belongs_to_one_conversation(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    here, elsewhere = [await population.group(alice) for _ in range(2)]
    client_id = uuid4()
    await committer.send(alice, message(alice, here, client_id=client_id))

    again = message(alice, elsewhere, client_id=client_id)

    assert await refusal(committer.send(alice, again)) == Taken("message")


async def test_who_was_removed_is_not_answered_as_the_first_time(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    group = await population.group(alice, bela)
    command = message(bela, group)
    await committer.send(bela, command)
    await population.run("DELETE FROM group_members WHERE user_id = %s", bela.user_id)

    assert await refusal(committer.send(bela, command)) == NotFound("conversation")


# --- files


async def test_files_are_attached_with_their_message(
    population: Population, committer: Committer
) -> None:
    alice = await population.person()
    group = await population.group(alice)
    files = tuple([await population.file(group, alice) for _ in range(3)])

    accepted = await committer.send(alice, message(alice, group, file_ids=files))

    rows = await population.run("SELECT id, message_id FROM files")
    assert dict(rows) == dict.fromkeys(files, accepted.message_id)


async def test_a_file_goes_with_one_message_of_its_uploader_in_its_conversation(
    population: Population, committer: Committer
) -> None:
    alice, bela = await population.people(2)
    here, elsewhere = [await population.group(alice, bela) for _ in range(2)]
    unfinished = await population.file(here, alice, uploaded=False)
    fine = await population.file(here, alice)

    for file_ids in [
        (await population.file(here, bela),),
        (await population.file(elsewhere, alice),),
        (unfinished,),
        (fine, uuid4()),
    ]:
        command = message(alice, here, file_ids=file_ids)
        assert await refusal(committer.send(alice, command)) == NotFound("file")
    answers = await outcomes(
        committer, *[(alice, message(alice, here, file_ids=(fine,))) for _ in range(2)]
    )
    assert isinstance(answers[0], Accepted)
    assert answers[1] == NotFound("file"), "attached a moment ago, in the same batch"
    assert len(await log_of(population, here)) == 1, "no message without its files"
