"""Notes to oneself: a direct conversation of one."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from coterie.protocol.commands import GetUser, OpenDirect, User
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import BadAnswer, NotFoundHere
from tests.sdk.people import People, texts
from tests.sdk.proxy import Proxy


async def test_everything_works_as_with_others(anna: Client, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("milk")
    sent = await anna.send("@anna", "buy", files=[tmp_path / "list.txt"])
    await anna.edit("@anna", sent.message_id, "buy this")
    await anna.react("@anna", sent.message_id, "👍")
    await anna.send("@anna", "done", reply_to=sent.message_id)
    first, second = await anna.read("@anna")
    assert (first.sender, first.text, second.text) == ("anna", "buy this", "done")
    assert second.reply_to_id == sent.message_id
    assert [one.users for one in first.reactions] == [("anna",)]
    out = await anna.download("@anna", first.files[0].file_id, tmp_path / "out.txt")
    assert out.read_text() == "milk"
    (found,) = await anna.search("this")
    assert found.conversation == "@anna"
    await anna.delete("@anna", sent.message_id)
    assert (await anna.read("@anna"))[0].deleted_at is not None
    assert anna.pop_warnings() == []


async def test_ones_own_words_are_never_unread(anna: Client, people: People) -> None:
    await anna.send("@anna", "remember")
    assert await anna.unread() == await people.again("anna").unread() == []


async def test_they_are_listed_among_those_one_writes_to(anna: Client, bela: Client) -> None:
    with pytest.raises(NotFoundHere, match="no conversation"):
        await anna.read("@anna")
    await anna.send("@anna", "remember")
    await anna.send("@bela", "hello")
    assert [one.username for one in await anna.people()] == ["anna", "bela"]
    assert await texts(bela, "@anna") == ["hello"]


async def test_two_processes_at_once_open_one(anna: Client, people: People) -> None:
    other = people.again("anna")
    await asyncio.gather(anna.send("@anna", "one"), other.send("@anna", "two"))
    await anna.send("@anna", "three")
    both = await texts(anna, "@anna")
    assert sorted(map(str, both)) == ["one", "three", "two"]
    assert await texts(other, "@anna") == both


async def test_no_server_says_who_oneself_is(people: People, liar: tuple[Proxy, str]) -> None:
    """Promise: nobody's words go to anybody but whom the name means; one's own is known here."""
    proxy, url = liar
    anna = await people.meet("anna", server=url)
    await anna.send("@anna", "a secret")
    assert GetUser not in proxy.asked
    assert proxy.asked.count(OpenDirect) == 1
    assert await texts(anna, "@anna") == ["a secret"]


async def test_no_server_turns_a_message_to_another_into_a_note(
    people: People, bela: Client, liar: tuple[Proxy, str]
) -> None:
    """Promise: what is meant for one goes to nobody else, whom the server calls so or not."""
    proxy, url = liar
    anna = await people.meet("anna", server=url)
    own = await as_the_server_knows(people, "anna")
    proxy.forge(GetUser, lambda _true, _path: replace(own, username="bela"))
    with pytest.raises(BadAnswer, match="two names"):
        await anna.send("@bela", "are you there?")
    assert OpenDirect not in proxy.asked
    proxy.be_honest()
    await anna.send("@bela", "are you there?")
    assert await texts(bela, "@anna") == ["are you there?"]


async def as_the_server_knows(people: People, username: str) -> User:
    profile = open_profile(people.homes / username)
    try:
        return await profile.connection.call(GetUser(username=username), User)
    finally:
        await profile.close()
