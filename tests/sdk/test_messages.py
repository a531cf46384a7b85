"""Writing and reading: what one person sends is what the others see."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from coterie.protocol.errors import Forbidden, Refused
from coterie.protocol.roles import Role
from coterie.sdk import Client
from coterie.sdk.errors import NotFoundHere
from coterie.sdk.reactions import UnknownEmoji
from tests.sdk.people import gather_in, last, texts


async def test_what_is_sent_is_read_by_everybody_in_the_same_order(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    sent = [
        await anna.send(club, "one"),
        await bela.send(club, "two"),
        await chen.send(club, "three"),
    ]
    assert [one.seq for one in sent] == sorted(one.seq for one in sent)
    for client in (anna, bela, chen):
        messages = await client.read(club)
        assert [(m.sender, m.text) for m in messages] == [
            ("anna", "one"),
            ("bela", "two"),
            ("chen", "three"),
        ]
        assert [m.message_id for m in messages] == [one.message_id for one in sent]
        assert all(m.problem is None for m in messages)


async def test_who_joins_reads_what_follows_and_nothing_before(anna: Client, bela: Client) -> None:
    group = await anna.create_group("club")
    await anna.send("club", "before")
    invite = await anna.create_invite("club")
    await bela.join(str(invite.link))
    await anna.send("club", "after")
    assert await texts(bela, "club") == ["after"]
    assert await texts(anna, str(group.group_id)) == ["before", "after"]


async def test_pages_end_before_a_message_that_need_not_be_there(anna: Client) -> None:
    await anna.create_group("other")
    await anna.create_group("club")
    first = await anna.send("club", "one")
    elsewhere = await anna.send("other", "aside")
    second = await anna.send("club", "two")
    ids = (first.message_id, elsewhere.message_id, second.message_id, 10**6, 10**30)
    pages = [[one.text for one in await anna.read("club", before=before)] for before in ids]
    assert pages == [[], ["one"], ["one"], ["one", "two"], ["one", "two"]]
    assert [one.text for one in await anna.read("club", limit=1, before=10**6)] == ["two"]
    for message_id in (elsewhere.message_id, 10**30):
        with pytest.raises(NotFoundHere):
            await anna.edit("club", message_id, "x")


async def test_a_reply_names_its_original_for_all(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    question = await anna.send(club, "lunch?")
    await bela.send(club, "yes", reply_to=question.message_id)
    assert (await last(anna, club)).reply_to_id == question.message_id


async def test_a_reply_to_what_was_said_before_one_came_has_no_number(
    anna: Client, bela: Client
) -> None:
    await anna.create_group("club")
    old = await anna.send("club", "old")
    await bela.join(str((await anna.create_invite("club")).link))
    await anna.send("club", "about the old", reply_to=old.message_id)
    shown = await last(bela, "club")
    assert (shown.text, shown.reply_to_id) == ("about the old", None)


async def test_only_the_author_edits_and_the_newest_edit_counts(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = await bela.send(club, "teh")
    await bela.edit(club, sent.message_id, "the")
    await bela.edit(club, sent.message_id, "the end")
    shown = await last(anna, club)
    assert shown.text == "the end"
    assert shown.edited_at is not None
    assert shown.edited_at > shown.created_at
    with pytest.raises(Refused) as caught:
        await anna.edit(club, sent.message_id, "mine now")
    assert isinstance(caught.value.refusal, Forbidden), "not even the owner"
    assert (await last(bela, club)).text == "the end"


async def test_a_deletion_leaves_a_tombstone(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = await bela.send(club, "oops")
    await bela.react(club, sent.message_id, "🙈")
    await bela.delete(club, sent.message_id)
    shown = await last(anna, club)
    assert (shown.text, shown.reactions, shown.problem) == (None, (), None)
    assert shown.deleted_at is not None
    late = await last(bela, club)
    assert late == shown, "who saw the text before sees the same now"


async def test_a_moderator_deletes_what_a_member_wrote_and_not_the_other_way(
    anna: Client, bela: Client, chen: Client
) -> None:
    club = await gather_in("club", anna, bela, chen)
    await anna.set_role(club, "bela", Role.MODERATOR)
    by_bela, by_chen = await bela.send(club, "rules"), await chen.send(club, "spam")
    with pytest.raises(Refused) as caught:
        await chen.delete(club, by_bela.message_id)
    assert isinstance(caught.value.refusal, Forbidden)
    await bela.delete(club, by_chen.message_id)
    assert await texts(chen, club) == ["rules", None]


async def test_reactions_are_counted_by_emoji_with_names(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    sent = await anna.send(club, "done")
    for client in (anna, bela):
        await client.react(club, sent.message_id, "🎉")
        await client.react(club, sent.message_id, "🎉")  # once more is once
    await bela.react(club, sent.message_id, "👍")
    await anna.unreact(club, sent.message_id, "🎉")
    for client in (anna, bela):
        shown = {r.emoji: r.users for r in (await last(client, club)).reactions}
        assert shown == {"🎉": ("bela",), "👍": ("bela",)}
    await anna.react(club, sent.message_id, "🎉")
    assert {r.emoji: r.users for r in (await last(bela, club)).reactions}["🎉"] == ("anna", "bela")


async def test_a_reaction_to_a_message_of_an_earlier_epoch_is_read(
    anna: Client, bela: Client
) -> None:
    club = await gather_in("club", anna, bela)
    sent = await anna.send(club, "old keys")
    await anna.update_group(club, name="Club")
    await bela.react(club, sent.message_id, "👀")
    assert [(r.emoji, r.users) for r in (await last(anna, club)).reactions] == [("👀", ("bela",))]


async def test_what_is_no_emoji_is_refused(anna: Client) -> None:
    await anna.create_group("club")
    sent = await anna.send("club", "hi")
    with pytest.raises(UnknownEmoji):
        await anna.react("club", sent.message_id, "canary")


async def test_pages_backwards(anna: Client) -> None:
    await anna.create_group("club")
    sent = [await anna.send("club", str(n)) for n in range(7)]
    assert await texts(anna, "club") == list("0123456")
    page = await anna.read("club", limit=3)
    assert [m.text for m in page] == list("456")
    page = await anna.read("club", limit=3, before=page[0].message_id)
    assert [m.text for m in page] == list("123")
    assert await anna.read("club", before=sent[0].message_id) == []


async def test_a_message_nobody_has_is_not_found(anna: Client) -> None:
    await anna.create_group("club")
    for attempt in (
        anna.edit("club", 999, "x"),
        anna.delete("club", 999),
        anna.react("club", 999, "👍"),
        anna.send("club", "x", reply_to=999),
    ):
        with pytest.raises(NotFoundHere):
            await attempt


async def test_files_arrive_as_they_were_sent(anna: Client, bela: Client, tmp_path: Path) -> None:
    club = await gather_in("club", anna, bela)
    paths = [tmp_path / "plan.pdf", tmp_path / "empty.txt"]
    paths[0].write_bytes(bytes(range(256)) * 3000)
    paths[1].touch()
    steps: list[tuple[str, int, int]] = []

    def note(name: str, done: int, total: int) -> None:
        steps.append((name, done, total))

    await anna.send(club, "see", files=paths, progress=note)
    shown = await last(bela, club)
    assert [(f.name, f.size_bytes) for f in shown.files] == [("plan.pdf", 768000), ("empty.txt", 0)]
    assert {name for name, _, _ in steps} == {"plan.pdf", "empty.txt"}
    assert all(done <= total for _, done, total in steps)
    for view, path in zip(shown.files, paths, strict=True):
        out = await bela.download(club, view.file_id, tmp_path / "out")
        assert out.read_bytes() == path.read_bytes()
        out.unlink()


async def test_a_file_goes_with_its_message(anna: Client, bela: Client, tmp_path: Path) -> None:
    club = await gather_in("club", anna, bela)
    (tmp_path / "a.txt").write_text("a")
    sent = await anna.send(club, "see", files=[tmp_path / "a.txt"])
    (view,) = (await last(bela, club)).files
    await anna.delete(club, sent.message_id)
    with pytest.raises(NotFoundHere):
        await bela.download(club, view.file_id, tmp_path / "out")


async def test_a_follower_sees_history_then_news_then_changes(anna: Client, bela: Client) -> None:
    club = await gather_in("club", anna, bela)
    for text in ("old", "newest"):
        await anna.send(club, text)
    async with asyncio.timeout(20), aclosing(bela.follow(club, history=1)) as news:
        assert (await anext(news)).text == "newest"
        sent = await anna.send(club, "fresh")
        assert (await anext(news)).text == "fresh"
        await anna.edit(club, sent.message_id, "fresher")
        assert (await anext(news)).text == "fresher"
        await anna.react(club, sent.message_id, "👍")
        assert [r.emoji for r in (await anext(news)).reactions] == ["👍"]
        await anna.delete(club, sent.message_id)
        assert (await anext(news)).deleted_at is not None
        await bela.send(club, "mine")
        assert (await anext(news)).sender == "bela"


async def test_sending_goes_on_while_others_change_the_group(anna: Client, bela: Client) -> None:
    """Each change begins an epoch: what was sealed for the old one is sealed again."""
    club = await gather_in("club", anna, bela)

    async def rename() -> None:
        for n in range(8):
            await anna.update_group(club, name=f"club {n}")

    async def talk() -> None:
        for n in range(8):
            await bela.send(club, str(n))

    await asyncio.gather(rename(), talk())
    assert await texts(anna, club) == list("01234567"), "all, in order, once"
    assert all(m.problem is None for m in await anna.read(club))
    assert (await bela.group(club)).name == "club 7"
