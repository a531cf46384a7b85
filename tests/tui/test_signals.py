"""Who types and who is there, as a person sees it and as others see them."""

import asyncio
from contextlib import aclosing

from coterie.sdk import Client
from tests.sdk.people import People
from tests.tui.window import Window, window

SECONDS = 20


async def test_who_types_stands_below_the_messages(belas: Window, club: str, anna: Client) -> None:
    await belas.until(lambda: belas.chat.query_one("#typing").is_mounted)
    await anna.show_typing(club)
    await belas.see("anna is typing…")
    await anna.send(club, "Here I am")
    await belas.see("Here I am")
    await belas.see_no_more("is typing…")


async def test_others_see_that_one_types(belas: Window, club: str, anna: Client) -> None:
    await anna.sync()
    async with asyncio.timeout(SECONDS), aclosing(anna.watch_typing(club)) as looks:
        assert await anext(looks) == ()
        async with aclosing(anna.watch_all()) as all_looks:
            while not await anext(all_looks):
                pass
        await belas.type("H")
        while await anext(looks) != ("bela",):
            pass


async def test_who_is_there_has_a_dot(people: People, club: str, anna: Client) -> None:
    bela = people.again("bela")
    await bela.set_privacy(presence=True)
    await anna.set_privacy(presence=True)
    async with window(people.homes / "bela") as opened:
        await opened.see("# club   2 members", "● connected")
        await opened.press("ctrl+r")
        await opened.see("owner")
        async with aclosing(anna.watch_presence()) as looks:
            await anext(looks)
            await opened.see("anna ●")
