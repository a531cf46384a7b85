"""Conversations between two."""

import asyncio
from pathlib import Path

import pytest

from coterie.protocol.errors import Blocked, NotFound, Refused
from coterie.sdk import Client
from coterie.sdk.errors import NotFoundHere
from tests.sdk.people import People, texts


async def test_the_first_message_opens_the_conversation(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "hello")
    assert await texts(bela, "@anna") == ["hello"]
    await bela.send("@anna", "hello yourself")
    for reader, peer in ((anna, "@bela"), (bela, "@anna")):
        shown = [(one.sender, one.text) for one in await reader.read(peer)]
        assert shown == [("anna", "hello"), ("bela", "hello yourself")], "one's own name too"
    assert anna.pop_warnings() == bela.pop_warnings() == []


async def test_both_at_once_open_one(anna: Client, bela: Client) -> None:
    await asyncio.gather(anna.send("@bela", "from anna"), bela.send("@anna", "from bela"))
    both = await texts(anna, "@bela")
    assert sorted(str(text) for text in both) == ["from anna", "from bela"]
    assert await texts(bela, "@anna") == both


async def test_everything_works_as_in_a_group(anna: Client, bela: Client, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("for you")
    sent = await anna.send("@bela", "see", files=[tmp_path / "a.txt"])
    (shown,) = await bela.read("@anna")
    out = await bela.download("@anna", shown.files[0].file_id, tmp_path / "b.txt")
    assert out.read_text() == "for you"
    await bela.react("@anna", sent.message_id, "❤️")
    await bela.send("@anna", "thanks", reply_to=sent.message_id)
    await anna.edit("@bela", sent.message_id, "look")
    first, second = await anna.read("@bela")
    assert (first.text, second.reply_to_id) == ("look", sent.message_id)
    assert [r.users for r in first.reactions] == [("bela",)]
    with pytest.raises(Refused):
        await bela.delete("@anna", sent.message_id)
    await anna.delete("@bela", sent.message_id)
    assert (await bela.read("@anna"))[0].deleted_at is not None


async def test_who_is_blocked_is_told_and_not_heard(anna: Client, bela: Client) -> None:
    await bela.send("@anna", "one")
    assert await texts(anna, "@bela") == ["one"]
    await anna.block("bela")
    assert [one.username for one in await anna.blocks()] == ["bela"]
    with pytest.raises(Refused) as caught:
        await bela.send("@anna", "two")
    assert isinstance(caught.value.refusal, Blocked)
    await anna.unblock("bela")
    await bela.send("@anna", "three")
    assert await texts(anna, "@bela") == ["one", "three"]


async def test_who_is_blocked_beforehand_opens_nothing(anna: Client, bela: Client) -> None:
    await anna.block("bela")
    with pytest.raises(Refused) as caught:
        await bela.send("@anna", "hi")
    assert isinstance(caught.value.refusal, Blocked)


async def test_nobody_talks_to_nobody(anna: Client, bela: Client) -> None:
    with pytest.raises(Refused) as caught:
        await anna.send("@nobody", "hello?")
    assert isinstance(caught.value.refusal, NotFound)
    with pytest.raises(NotFoundHere, match="no conversation"):
        await anna.read("@bela")


async def test_a_name_stays_with_whom_it_was_first_seen(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "you")
    for name in ("@bela", "bela"):
        await anna.block(name)
    assert len(await anna.blocks()) == 1


async def test_the_pool_of_keys_is_filled_up_as_it_is_used(people: People, bela: Client) -> None:
    """More people write than bela has packages: the one of last resort serves the rest."""
    strangers = [await people.meet(f"stranger{n}") for n in range(24)]
    for stranger in strangers:
        await stranger.send("@bela", f"hi from {stranger.username}")
    for stranger in strangers:
        assert await texts(bela, f"@{stranger.username}") == [f"hi from {stranger.username}"]
