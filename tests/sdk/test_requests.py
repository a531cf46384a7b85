"""Message requests: a stranger only asks, and learns nothing by it."""

import pytest

from coterie.protocol.commands import MarkRead
from coterie.protocol.errors import Blocked, Refused
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import NotFoundHere
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.key_packages import list_key_packages, remove_key_package
from tests.sdk.people import People, gather_in, texts
from tests.sdk.proxy import Proxy


async def asking(client: Client) -> dict[str, int]:
    await client.sync()
    return {one.username: one.messages for one in await client.requests()}


async def known(client: Client) -> list[str]:
    return [one.username for one in await client.people()]


async def unread(client: Client) -> dict[str, int]:
    return {one.conversation: one.unread for one in await client.unread()}


async def test_a_stranger_asks_until_accepted(anna: Client, bela: Client, people: People) -> None:
    await anna.send("@bela", "one")
    await anna.send("@bela", "two")
    assert await asking(bela) == {"anna": 2}
    assert (await known(bela), await unread(bela)) == ([], {})
    assert (await known(anna), await asking(anna)) == (["bela"], {}), "who asks is not asked"
    await bela.accept_request("@anna")
    assert (await asking(bela), await known(bela)) == ({}, ["anna"])
    assert await unread(people.again("bela")) == {"@anna": 2}


async def test_to_answer_is_to_accept(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "hello?")
    await bela.send("@anna", "hello")
    await anna.send("@bela", "so you are there")
    assert (await asking(bela), await known(bela)) == ({}, ["anna"])
    assert await unread(bela) == {"@anna": 2}


async def test_who_shares_a_group_does_not_ask(anna: Client, bela: Client, chen: Client) -> None:
    await anna.send("@bela", "before we met")
    assert await asking(bela) == {"anna": 1}
    club = await gather_in("club", anna, bela)
    assert (await asking(bela), await unread(bela)) == ({}, {"@anna": 1})
    await bela.leave(club)
    assert await asking(bela) == {"anna": 1}, "nothing has been agreed to"


async def test_nobody_is_told_that_it_was_looked_at(
    people: People, anna: Client, liar: tuple[Proxy, str]
) -> None:
    """Promise: who has not accepted tells nobody that they have read, not even the server."""
    proxy, url = liar
    bela = await people.meet("bela", server=url)
    await anna.send("@bela", "look here")
    for _ in range(2):
        assert await texts(bela, "@anna") == ["look here"]
    assert MarkRead not in proxy.asked
    await bela.accept_request("anna")
    await bela.read("@anna")
    assert proxy.asked.count(MarkRead) == 1


async def test_who_is_declined_is_blocked_and_hidden(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "one")
    await bela.sync()
    await bela.decline_request("anna")
    assert [one.username for one in await bela.blocks()] == ["anna"]
    with pytest.raises(Refused) as caught:
        await anna.send("@bela", "two")
    assert isinstance(caught.value.refusal, Blocked)
    assert (await asking(bela), await known(bela), await unread(bela)) == ({}, [], {})
    assert await texts(bela, "@anna") == ["one"], "it is hidden, not gone"


async def test_what_was_declined_can_be_taken_back(anna: Client, bela: Client) -> None:
    await anna.send("@bela", "one")
    await bela.sync()
    await bela.decline_request("anna")
    await bela.unblock("anna")
    assert await asking(bela) == {"anna": 1}, "who may write again asks again"
    await bela.decline_request("anna")
    await bela.accept_request("anna")
    await anna.send("@bela", "two")
    assert (await known(bela), await bela.blocks()) == (["anna"], [])


async def test_there_is_nothing_to_answer_but_requests(anna: Client, bela: Client) -> None:
    await anna.send("@anna", "note")
    await bela.send("@bela", "note")
    for name in ("anna", "bela"):
        with pytest.raises(NotFoundHere):
            await anna.accept_request(name)
        with pytest.raises(NotFoundHere):
            await anna.decline_request(name)
    assert await anna.blocks() == []


async def test_a_welcome_that_does_not_open_asks_as_well(
    anna: Client, bela: Client, people: People
) -> None:
    """Promise: no stranger gets around asking: not by a Welcome that this device has no key for."""
    await anna.send("@bela", "open sesame")
    profile = open_profile(people.homes / "bela")
    try:
        await profile.vault.write(forget_key_packages)
    finally:
        await profile.close()
    assert await asking(bela) == {"anna": 0}, "it enters by itself, behind what was said before"
    await anna.send("@bela", "nobody asked you in")
    assert await asking(bela) == {"anna": 1}
    assert (await known(bela), await unread(bela)) == ([], {})


def forget_key_packages(tx: Transaction) -> None:
    for reference, _, _ in list_key_packages(tx):
        remove_key_package(tx, reference)
