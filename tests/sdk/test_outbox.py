"""What is on its way out when the server falls silent: nothing is lost, or there twice."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from coterie.protocol.commands import ListEntries, SendMessage
from coterie.protocol.errors import Unavailable
from coterie.protocol.header import EntryKind
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.content import Head
from coterie.sdk.errors import BadAnswer, NotAcknowledged, ServerUnreachable
from coterie.sdk.outgoing import new_client_id
from coterie.sdk.vault.outbox import list_outgoing, put_outgoing
from coterie.sdk.vault.records import OutboxRecord
from tests.sdk.people import People, gather_in, last, look, tell, texts
from tests.sdk.proxy import Cut, Dropped, Liar, Proxy


@pytest.fixture
async def dora(people: People, liar: Liar) -> Client:
    """Whose server falls silent, and who does not wait as long as a restart takes."""
    await people.meet("dora", server=liar[1])
    return people.again("dora", patience=1)


async def left(home: Path) -> list[str | None]:
    """The texts in the outbox."""
    profile = open_profile(home)
    try:
        return [outgoing.text for outgoing in await profile.vault.read(list_outgoing)]
    finally:
        await profile.close()


async def abandon(home: Path, group_id: str, text: str) -> None:
    """As a process does that dies with an entry on its way."""
    outgoing = OutboxRecord(
        client_id=new_client_id(),
        conversation_id=UUID(group_id),
        kind=EntryKind.MESSAGE,
        text=text,
        abandoned=True,
    )
    profile = open_profile(home)
    try:
        await profile.vault.write(lambda tx: put_outgoing(tx, outgoing))
    finally:
        await profile.close()


async def drop() -> None:
    raise Dropped


async def cut() -> None:
    raise Cut


def fall_silent(proxy: Proxy, how: str) -> None:
    if how == "written":
        proxy.forge(SendMessage, lambda true, _: Unavailable())
    else:
        proxy.before(SendMessage, {"broken": drop, "cut": cut}[how])


@pytest.mark.parametrize("how", ["written", "broken", "cut"])
async def test_what_may_have_arrived_is_kept_and_is_there_once(
    people: People, liar: Liar, anna: Client, dora: Client, tmp_path: Path, how: str
) -> None:
    club = await gather_in("club", anna, dora)
    (tmp_path / "plan.txt").write_text("the plan")
    fall_silent(liar[0], how)
    with pytest.raises(NotAcknowledged, match="Do not repeat it"):
        await dora.send(club, "one", files=[tmp_path / "plan.txt"])
    await dora.sync()
    assert any("'one' still waits" in warning for warning in dora.pop_warnings())
    assert await left(people.homes / "dora") == ["one"]
    liar[0].be_honest()
    for _ in range(2):
        await dora.sync()
    assert await left(people.homes / "dora") == []
    assert await texts(anna, club) == ["one"]
    (file,) = (await last(anna, club)).files
    out = await anna.download(club, file.file_id, tmp_path / "out.txt")
    assert out.read_text() == "the plan"


async def test_what_surely_was_not_sent_is_not_sent_later(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    """The person saw it fail, and may have said it otherwise since."""
    club = await gather_in("club", anna, dora)
    liar[0].before(ListEntries, drop)
    with pytest.raises(BadAnswer):
        await dora.send(club, "one")
    liar[0].be_honest()
    assert await left(people.homes / "dora") == []
    await dora.sync()
    assert await texts(anna, club) == []


async def test_what_was_left_behind_waits_for_the_server(
    people: People, liar: Liar, anna: Client, dora: Client
) -> None:
    club = await gather_in("club", anna, dora)
    await dora.sync()
    await abandon(people.homes / "dora", club, "one")
    liar[0].before(ListEntries, cut)
    with pytest.raises(ServerUnreachable):
        await dora.sync()
    liar[0].be_honest()
    await dora.sync()
    assert await texts(anna, club) == ["one"]


@pytest.mark.parametrize("verb", ["send", "read", "edit", "delete", "react"])
async def test_what_was_left_behind_is_sent_before_anything_else(
    people: People, anna: Client, bela: Client, verb: str
) -> None:
    """Whoever types one command after the other never calls `sync`."""
    club = await gather_in("club", anna, bela)
    first = (await anna.send(club, "first")).message_id
    await abandon(people.homes / "anna", club, "left behind")
    deeds = {
        "send": lambda: anna.send(club, "and now"),
        "read": lambda: anna.read(club),
        "edit": lambda: anna.edit(club, first, "first!"),
        "delete": lambda: anna.delete(club, first),
        "react": lambda: anna.react(club, first, "👍"),
    }
    await deeds[verb]()
    assert (await texts(bela, club))[1] == "left behind"


async def test_one_that_cannot_be_sent_stops_none_of_the_others(
    people: People, anna: Client, bela: Client
) -> None:
    """Bela was put out of one group; in another, sending has stopped until she has looked."""
    former, forked, club = [
        await gather_in(name, anna, bela) for name in ("former", "forked", "club")
    ]
    home = people.homes / "bela"
    seq = await look(people.homes / "bela", forked, lambda log: log.record.cursor)
    for group_id, text in ((former, "goodbye"), (forked, "later"), (club, "hello")):
        await abandon(home, group_id, text)
    await anna.kick(former, "bela")
    await anna.read(forked)
    await tell(people.homes / "anna", forked, Head(seq, bytes(32)))
    await bela.sync()
    assert await texts(anna, club) == ["hello"]
    assert await left(home) == ["later"], "what can never be sent is not tried again"
    warnings = bela.pop_warnings()
    assert any("'goodbye' could not be sent" in warning for warning in warnings)
    assert any("'later' still waits" in warning for warning in warnings)
    await bela.accept_fork(forked, "anna")
    await bela.sync()
    assert (await texts(anna, forked))[-1] == "later"
    assert await left(home) == []


async def test_what_slow_mode_holds_up_is_kept_and_sent_later(
    people: People, anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    await bela.sync()
    await anna.update_group(club, slow_mode=timedelta(minutes=5))
    await bela.send(club, "one")
    await abandon(people.homes / "bela", club, "two")
    await bela.sync()
    told = [warning for warning in bela.pop_warnings() if "'two' still waits" in warning]
    assert len(told) == 1
    assert "slow mode" in told[0]
    assert await left(people.homes / "bela") == ["two"]
    await anna.update_group(club, slow_mode=timedelta())
    await bela.sync()
    assert await texts(anna, club) == ["one", "two"]
    assert await left(people.homes / "bela") == []
