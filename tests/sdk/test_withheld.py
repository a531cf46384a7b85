"""Entries that the server shows without their bytes, or under another name."""

import pytest
from msgspec.structs import replace

from coterie.protocol.commands import Entries, Entry, ListEntries
from coterie.protocol.header import EntryKind
from coterie.sdk import Client
from coterie.sdk.errors import LogBroken
from coterie.sdk.log import Log
from coterie.sdk.vault.records import WithheldRecord
from tests.sdk.people import People, gather_in, last, look, texts
from tests.sdk.proxy import Liar

REMARKS = [EntryKind.EDIT, EntryKind.DELETION, EntryKind.REACTION]


def tell(liar: Liar, whose: EntryKind, **changes: object) -> None:
    """Entries of this kind are shown with these changes; the chain is left as it is."""

    def changed(one: Entry) -> Entry:
        return replace(one, **changes) if one.kind is whose else one

    def forge(true: Entries, _: dict[str, str]) -> Entries:
        return replace(true, entries=[changed(one) for one in true.entries])

    liar[0].forge(ListEntries, forge)


async def remark(kind: EntryKind, author: Client, club: str, message_id: int) -> None:
    match kind:
        case EntryKind.EDIT:
            await author.edit(club, message_id, "the newest")
        case EntryKind.DELETION:
            await author.delete(club, message_id)
        case _:
            await author.react(club, message_id, "👍")


def withheld(log: Log) -> tuple[WithheldRecord, ...]:
    return log.record.withheld


async def test_an_edit_that_is_withheld_is_marked_until_the_next_one(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    sent = await anna.send(club, "the oldest")
    await anna.send(club, "another")
    await anna.edit(club, sent.message_id, "what dora must not see")
    tell(liar, EntryKind.EDIT, content=None)
    first, second = await dora.read(club)
    assert (first.text, first.problem) == ("the oldest", "edit_withheld")
    assert second.problem is None
    (warning,) = dora.pop_warnings()
    assert f"edit, message #{sent.message_id}" in warning
    await dora.read(club)
    assert dora.pop_warnings() == [], "once"
    liar[0].be_honest()
    await anna.edit(club, sent.message_id, "the newest")
    first, _ = await dora.read(club)
    assert (first.text, first.problem) == ("the newest", None)


async def test_a_reaction_that_is_withheld_is_told_of(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    sent, other = [await anna.send(club, text) for text in ("hello", "another")]
    await anna.react(club, sent.message_id, "👎")
    await anna.edit(club, sent.message_id, "hello!")
    await anna.delete(club, other.message_id)
    tell(liar, EntryKind.REACTION, content=None)
    await dora.read(club)
    (warning,) = dora.pop_warnings()
    assert f"reaction, message #{sent.message_id}" in warning
    await anna.delete(club, sent.message_id)
    await dora.read(club)
    assert await look(people.homes / "dora", club, withheld) == ()


async def test_a_deletion_is_not_withheld(liar: Liar, anna: Client, dora: Client) -> None:
    club = await gather_in("club", anna, dora)
    sent = await anna.send(club, "hello")
    await anna.delete(club, sent.message_id)
    tell(liar, EntryKind.DELETION, content=None)
    with pytest.raises(LogBroken, match="without its bytes"):
        await dora.read(club)
    liar[0].be_honest()
    assert (await last(dora, club)).deleted_at is not None


async def test_a_statement_is_not_withheld(
    liar: Liar, anna: Client, bela: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, bela, dora)
    await bela.leave(club)
    tell(liar, EntryKind.STATEMENT, content=None)
    with pytest.raises(LogBroken, match="no statement"):
        await dora.read(club)


@pytest.mark.parametrize(
    "called", [EntryKind.DELETION, EntryKind.REACTION, EntryKind.PIN, EntryKind.STATEMENT]
)
async def test_no_entry_is_hidden_under_another_name(
    liar: Liar, anna: Client, dora: Client, called: EntryKind
) -> None:
    club = await gather_in("club", anna, dora)
    sent = await anna.send(club, "hello")
    await anna.edit(club, sent.message_id, "what dora must not see")
    tell(liar, EntryKind.EDIT, kind=called)
    with pytest.raises(LogBroken, match=r"kind that it is called|no statement"):
        await dora.read(club)


@pytest.mark.parametrize("kind", REMARKS)
async def test_no_entry_is_said_to_be_about_another_message(
    liar: Liar, anna: Client, dora: Client, kind: EntryKind
) -> None:
    """Else it would give reason for what is missing there."""
    club = await gather_in("club", anna, dora)
    sent, other = [await anna.send(club, text) for text in ("hello", "another")]
    await remark(kind, anna, club, sent.message_id)
    tell(liar, kind, message_id=other.message_id)
    with pytest.raises(LogBroken, match="another message"):
        await dora.read(club)


async def test_what_is_destroyed_for_good_reason_is_not_missed(
    people: People, anna: Client, bela: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, bela)
    early, gone = [await anna.send(club, text) for text in ("early", "to be gone")]
    link = str((await anna.create_invite(club)).link)
    await dora.join(link)
    edited, deleted = [await anna.send(club, text) for text in ("draft", "mistake")]
    for one in (early, gone, edited, deleted):
        await bela.react(club, one.message_id, "👍")
        for text in ("second", "third"):
            await anna.edit(club, one.message_id, text)
    for one in (gone, deleted):
        await anna.delete(club, one.message_id)
    assert await texts(dora, club) == ["third", None]
    assert [message.problem for message in await dora.read(club)] == [None, None]
    assert dora.pop_warnings() == []
    assert await look(people.homes / "dora", club, withheld) == ()


async def test_what_is_withheld_about_a_message_from_before_ones_time_is_told_of_too(
    liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna)
    early = await anna.send(club, "early")
    await dora.join(str((await anna.create_invite(club)).link))
    await anna.edit(club, early.message_id, "what dora must not see")
    tell(liar, EntryKind.EDIT, content=None)
    await dora.read(club)
    (warning,) = dora.pop_warnings()
    assert f"edit, message #{early.message_id}" in warning
