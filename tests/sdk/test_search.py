"""Searching: everything this device has, by its words, without asking anybody."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coterie.protocol.commands import ListConversations
from coterie.protocol.errors import Internal
from coterie.sdk import Client
from coterie.sdk.accounts import open_profile
from coterie.sdk.errors import BadInput, NotFoundHere
from coterie.sdk.search import fold, search
from tests.sdk.people import People, gather_in
from tests.sdk.proxy import Proxy


async def found(client: Client, words: str, target: str | None = None) -> list[str | None]:
    return [one.message.text for one in await client.search(words, target=target)]


async def test_words_match_from_their_beginning_without_case_and_accents(anna: Client) -> None:
    await anna.create_group("club")
    for text in ("Café in Łódź", "the cafeteria", "decaf", "A naïve RÉSUMÉ", "Straße"):
        await anna.send("club", text)

    assert await found(anna, "caf") == ["the cafeteria", "Café in Łódź"]
    assert await found(anna, "LODZ café") == ["Café in Łódź"]
    assert await found(anna, "naive résumé") == ["A naïve RÉSUMÉ"]
    assert await found(anna, "strasse") == ["Straße"]
    assert await found(anna, "eteria") == []
    for words in ("", " \n "):
        with pytest.raises(BadInput):
            await found(anna, words)


async def test_scripts_without_spaces_match_anywhere(anna: Client) -> None:
    await anna.create_group("club")
    for text in ("今日は東京で会いましょう", "한국어 문장", "東京hello", "ﾊﾝｶｸ"):
        await anna.send("club", text)

    assert await found(anna, "東京") == ["東京hello", "今日は東京で会いましょう"]
    assert await found(anna, "会い") == ["今日は東京で会いましょう"]
    assert await found(anna, "hello") == ["東京hello"]
    assert await found(anna, "문장") == ["한국어 문장"]
    assert await found(anna, "ハンカク") == ["ﾊﾝｶｸ"], "half width is a form of the same"


async def test_what_regular_expressions_mean_is_text_here(anna: Client) -> None:
    await anna.create_group("club")
    for text in ("cost: (5+5)*2?", "C++ [draft]", "ordinary"):
        await anna.send("club", text)

    assert await found(anna, "(5+5)*2?") == ["cost: (5+5)*2?"]
    assert await found(anna, "c++ [dr") == ["C++ [draft]"]
    assert await found(anna, ".*") == []


async def test_all_conversations_are_searched_and_files_by_their_names(
    anna: Client, bela: Client, tmp_path: Path
) -> None:
    club = await gather_in("club", anna, bela)
    minutes = tmp_path / "Minutes of May.txt"
    minutes.write_text("secret apple")
    await bela.send("@anna", "apples for you")
    await bela.send(club, "here", files=[minutes])
    await anna.create_group("other")
    await anna.send("other", "an apple a day")

    everywhere = await anna.search("apple")
    assert [(one.conversation, one.message.text) for one in everywhere] == [
        ("other", "an apple a day"),
        ("@bela", "apples for you"),
    ]
    assert await found(anna, "apple", "@bela") == ["apples for you"]
    assert await found(anna, "apple", "club") == []
    assert await found(anna, "minutes may") == ["here"]
    with pytest.raises(NotFoundHere):
        await found(anna, "apple", "nowhere")


async def test_an_edit_is_found_by_its_new_words_and_a_deletion_by_none(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    first, second = await anna.send(club, "apple"), await anna.send(club, "apple tree")
    assert len(await found(bela, "apple")) == 2

    await anna.edit(club, first.message_id, "pear")
    await anna.delete(club, second.message_id)

    assert await found(bela, "apple") == []
    assert await found(bela, "pear") == ["pear"]


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_a_long_history_is_searched_to_its_end_page_by_page(
    anna: Client, people: People, page: int
) -> None:
    await anna.create_group("club")
    texts = ["needle", "hay", "hay", "needle", "hay", "needle"]
    sent = [(await anna.send("club", text)).message_id for text in texts]
    needles = [number for number, text in zip(sent, texts, strict=True) if text == "needle"]
    async with AsyncExitStack() as stack:
        profile = open_profile(people.homes / "anna")
        stack.push_async_callback(profile.close)

        async def ids(limit: int, before: int | None) -> list[int]:
            found = await search(profile, "needle", None, limit, before, page)
            return [one.message.message_id for one in found]

        assert await ids(50, None) == needles[::-1]
        assert await ids(1, None) == needles[2:]
        assert await ids(50, needles[2]) == needles[1::-1]
        assert await ids(50, needles[0]) == []


async def test_when_the_server_fails_the_device_finds_what_it_has(
    people: People, liar: tuple[Proxy, str]
) -> None:
    proxy, url = liar
    anna = await people.meet("anna", server=url)
    await anna.create_group("club")
    await anna.send("club", "a zebra")
    await anna.read("club")

    proxy.forge(ListConversations, lambda _answer, _path: Internal("1234"))
    assert await found(anna, "zebra") == ["a zebra"]
    assert any("what the device has" in warning for warning in anna.pop_warnings())


@given(st.text())
@example("\U0001d468")
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
