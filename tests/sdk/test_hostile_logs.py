"""A server that shows another log than there is, and what a client makes of it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from coterie.governance.leaves import context_extensions
from coterie.governance.makers import with_role
from coterie.governance.signatures import hash_of
from coterie.protocol.chain import next_link
from coterie.protocol.commands import (
    Entries,
    Entry,
    ListEntries,
)
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Rank, Role
from coterie.sdk import Client
from coterie.sdk.errors import (
    Forked,
    GroupHalted,
    LogBroken,
    LogRewound,
)
from coterie.sdk.log import Log
from coterie.sdk.vault.evidence import list_evidence
from tests.sdk.people import People, gather_in, look, texts
from tests.sdk.proxy import Liar


class AnotherLog:
    """Shows `dora` what `change` makes of each page, with a chain that fits what she has."""

    def __init__(self, record_link: tuple[int, bytes]) -> None:
        self.links = dict([record_link])

    def forgery(
        self, change: Callable[[list[Entry]], list[Entry]]
    ) -> Callable[[Entries, dict[str, str]], Entries]:
        def forge(true: Entries, _: dict[str, str]) -> Entries:
            entries = change(list(true.entries))
            if not entries:  # the story stays straight where there is nothing to tell
                return replace(true, entries=[], chain=self.links[max(self.links)])
            link = self.links[entries[0].seq - 1]
            for entry in entries:
                link = self.links[entry.seq] = next_link(link, entry.seq, entry.hash)
            return replace(true, entries=entries, chain=link)

        return forge


def head(log: Log) -> tuple[int, bytes]:
    return log.record.cursor, log.record.link


async def test_an_entry_that_is_changed_is_noticed(liar: Liar, anna: Client, dora: Client) -> None:
    club = await gather_in("club", anna, dora)
    await anna.send(club, "pay 10")

    def forge(true: Entries, _: dict[str, str]) -> Entries:
        *others, newest = true.entries
        assert newest.content is not None
        changed = newest.content[:-1] + bytes([newest.content[-1] ^ 1])
        return replace(true, entries=[*others, replace(newest, content=changed)])

    liar[0].forge(ListEntries, forge)
    with pytest.raises(LogBroken, match="hash"):
        await dora.read(club)
    liar[0].be_honest()
    assert await texts(dora, club) == ["pay 10"], "nothing of the lie was kept"


Change = Callable[[list[Entry]], list[Entry]]


def with_a_gap(entries: list[Entry]) -> list[Entry]:
    return entries[:-2] + entries[-1:]


def cut_short(entries: list[Entry]) -> list[Entry]:
    return entries[:-1]


def one_for_another(entries: list[Entry]) -> list[Entry]:
    return [*entries[:-2], replace(entries[-1], seq=entries[-2].seq)]


def one_twice(entries: list[Entry]) -> list[Entry]:
    return [*entries, replace(entries[-1], seq=entries[-1].seq + 1)]


@pytest.mark.parametrize("change", [with_a_gap, cut_short, one_for_another, one_twice])
async def test_a_log_that_contradicts_itself_is_refused(
    liar: Liar, anna: Client, dora: Client, change: Change
) -> None:
    club = await gather_in("club", anna, dora)
    for text in ("one", "two", "three"):
        await anna.send(club, text)
    liar[0].forge(ListEntries, lambda true, _: replace(true, entries=change(list(true.entries))))
    with pytest.raises(LogBroken):
        await dora.read(club)


async def test_a_message_shown_twice_is_refused(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """Under a number of its own, with a chain that fits."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    await anna.send(club, "pay 10")

    def repeat(entries: list[Entry]) -> list[Entry]:
        newest = entries[-1]
        again = replace(newest, seq=newest.seq + 1, message_id=(newest.message_id or 0) + 1)
        return [*entries, again]

    liar[0].forge(ListEntries, other.forgery(repeat))
    with pytest.raises(LogBroken, match="repeats an earlier message"):
        await dora.read(club)
    liar[0].be_honest()
    assert await texts(dora, club) == ["pay 10"]


async def test_an_older_edit_shown_again_changes_nothing(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    sent = await anna.send(club, "pay 10")
    await anna.edit(club, sent.message_id, "pay 20")
    shown: list[Entry] = []
    liar[0].forge(ListEntries, lambda true, _: shown.extend(true.entries) or true)
    assert await texts(dora, club) == ["pay 20"]
    older = shown[-1]
    await anna.edit(club, sent.message_id, "pay 30")
    other = AnotherLog(await look(people.homes / "dora", club, head))

    def repeat(entries: list[Entry]) -> list[Entry]:
        return [*entries, replace(older, seq=entries[-1].seq + 1)] if entries else []

    liar[0].forge(ListEntries, other.forgery(repeat))
    assert await texts(dora, club) == ["pay 30"], "an edit has a number, and the highest counts"


async def test_messages_in_another_order_are_found_out_by_their_own_heads(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The numbers and the chain are made to fit: but the second had seen the first."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    for text in ("shall we?", "no"):
        await anna.send(club, text)

    def swap(entries: list[Entry]) -> list[Entry]:
        if not entries:
            return []
        first, second = entries
        return [replace(second, seq=first.seq), replace(first, seq=second.seq)]

    liar[0].forge(ListEntries, other.forgery(swap))
    assert await texts(dora, club) == ["no", "shall we?"]
    with pytest.raises(Forked, match="anna tells of a different history"):
        await dora.send(club, "what now?")


async def test_a_log_that_goes_back_stops_sending_and_loses_nothing(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """As a server that shows an earlier state of itself would."""
    club = await gather_in("club", anna, dora)
    await anna.send(club, "one")
    await dora.read(club)
    _, link = await look(people.homes / "dora", club, head)
    await anna.send(club, "two")
    await dora.read(club)
    liar[0].forge(ListEntries, lambda true, _: replace(true, entries=[], chain=link, more=False))
    with pytest.raises(LogRewound, match="gone back"):
        await dora.send(club, "three")
    assert await texts(dora, club) == ["one", "two"]
    liar[0].be_honest()
    await dora.send(club, "three")


async def test_two_histories_are_found_out_by_the_next_message(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The server shows dora other contents of an entry, and keeps its own story straight."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    await anna.send(club, "dora must not see this")

    hidden = await look(people.homes / "dora", club, lambda log: log.record.cursor + 1)

    def change(entries: list[Entry]) -> list[Entry]:
        return [
            replace(one, content=None, hash=bytes(32)) if one.seq == hidden else one
            for one in entries
        ]

    liar[0].forge(ListEntries, other.forgery(change))
    (stub,) = await dora.read(club)
    assert (stub.text, stub.problem) == (None, "removed_by_server")
    await anna.send(club, "did you see it?")  # its head is that of anna's history
    shown = await texts(dora, club)
    assert shown == [None, "did you see it?"], "a fork is shown, not hidden"
    assert any("different history" in warning for warning in dora.pop_warnings())
    with pytest.raises(Forked):
        await dora.send(club, "no")


async def test_what_is_withheld_is_found_out_by_the_next_message(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The server drops a message for dora and numbers the rest anew: the next one's head lies
    beyond its own place."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    hidden = (await anna.send(club, "dora must not see this")).seq
    await anna.send(club, "did you see it?")

    def change(entries: list[Entry]) -> list[Entry]:
        return [replace(one, seq=one.seq - 1) for one in entries if one.seq > hidden]

    liar[0].forge(ListEntries, other.forgery(change))
    assert await texts(dora, club) == ["did you see it?"]
    with pytest.raises(Forked, match="anna tells of a different history"):
        await dora.send(club, "see what?")


async def test_a_commit_against_the_rules_stops_the_conversation_for_good(
    people: People, liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    """Bela, a plain member, makes herself admin; the server orders it, for dora alone."""
    club = await gather_in("club", anna, bela, dora)
    await dora.read(club)

    def promote_oneself(log: Log) -> bytes:
        key = log.account.identity_key
        state = with_role(log.state, key, Rank.ADMIN, log.record.epoch + 1)
        return log.group.commit(group_context_extensions=context_extensions(state)).commit

    await bela.read(club)
    commit = await look(people.homes / "bela", club, promote_oneself)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    forged = Entry(
        seq=max(other.links) + 1,
        kind=EntryKind.COMMIT,
        epoch=0,
        sender_id=bela.user_id,
        device_id=bela.device_id,
        message_id=None,
        content=commit,
        hash=hash_of(commit),
        created_at=datetime.now(UTC),
    )
    forge = other.forgery(lambda entries: [forged])
    liar[0].forge(ListEntries, lambda true, path: forge(replace(true, entries=[forged]), path))
    with pytest.raises(GroupHalted, match=r"role\."):
        await dora.send(club, "hello")
    (evidence,) = await look(
        people.homes / "dora", club, lambda log: list_evidence(log.tx, log.conversation_id)
    )
    assert evidence.commit == commit
    liar[0].be_honest()
    with pytest.raises(GroupHalted):
        await dora.send(club, "hello again")
    assert {m.username: m.role for m in await anna.members(club)}["bela"] is Role.MEMBER
    await anna.send(club, "we talk on")
    assert await texts(bela, club) == ["we talk on"]


async def test_a_contact_carries_word_of_a_fork_elsewhere(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """Nobody speaks in the club; a direct message tells that its history is another."""
    club = await gather_in("club", anna, dora)
    other = AnotherLog(await look(people.homes / "dora", club, head))
    await anna.send(club, "dora must not see this")

    def change(entries: list[Entry]) -> list[Entry]:
        return [replace(one, content=None, hash=bytes(32)) for one in entries]

    forge = other.forgery(change)

    def forge_club(true: Entries, path: dict[str, str]) -> Entries:
        return forge(true, path) if path["conversation_id"] == club else true

    liar[0].forge(ListEntries, forge_club)
    await dora.read(club)
    await anna.read(club)
    await anna.send("@dora", "nice weather")
    assert await texts(dora, "@anna") == ["nice weather"]
    with pytest.raises(Forked):
        await dora.send(club, "no")
