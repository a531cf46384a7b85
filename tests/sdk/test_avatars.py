"""Pictures of people and groups: for who reads the conversation, and by those alone who may."""

from pathlib import Path

import pytest

from coterie.protocol.errors import Forbidden, Refused
from coterie.protocol.header import NO_TARGET, EntryKind
from coterie.protocol.limits import AVATAR_BYTES
from coterie.protocol.roles import Role
from coterie.sdk import Client, attachments
from coterie.sdk.accounts import open_profile
from coterie.sdk.content import Portrayed
from coterie.sdk.errors import BadInput, NotFoundHere
from coterie.sdk.outgoing import deliver, new_client_id
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.records import OutboxRecord
from tests.sdk.people import People, gather_in

PNG = b"\x89PNG\r\n\x1a\n"


def a_file(folder: Path, content: bytes) -> Path:
    path = folder / f"{len(content)}.png"
    path.write_bytes(content)
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return a_file(tmp_path, PNG + b"a face")


async def shown(client: Client, target: str) -> list[tuple[str | None, str]]:
    return [(one.username, one.set_by) for one in await client.avatars(target)]


async def test_everybody_in_the_group_sees_the_newest_picture(
    anna: Client, bela: Client, picture: Path, tmp_path: Path
) -> None:
    club = await gather_in("club", anna, bela)
    assert await bela.avatars(club) == []
    await anna.set_avatar(club, picture)
    newest = await anna.set_avatar(club, a_file(tmp_path, PNG + b"an older face"))
    await anna.set_avatar(club, picture, of_group=True)
    await bela.set_avatar(club, picture)
    for client in (anna, bela):
        assert await shown(client, club) == [(None, "anna"), ("anna", "anna"), ("bela", "bela")]

    avatar = (await bela.avatars(club))[1]
    assert avatar.message_id == newest.message_id
    saved = await bela.download(club, avatar.file.file_id, tmp_path / "saved.png")
    assert saved.read_bytes() == PNG + b"an older face"
    read = await bela.read(club)
    assert [one.portrays for one in read] == ["sender", "sender", "group", "sender"]

    await anna.clear_avatar(club)
    assert await shown(bela, club) == [(None, "anna"), ("bela", "bela")]
    with pytest.raises(NotFoundHere):
        await anna.clear_avatar(club)
    await anna.kick(club, "bela")
    assert await shown(anna, club) == [(None, "anna")]


async def test_two_who_talk_each_have_a_picture(anna: Client, bela: Client, picture: Path) -> None:
    await anna.set_avatar("@bela", picture)
    await bela.sync()
    assert await shown(bela, "@anna") == [("anna", "anna")]
    with pytest.raises(BadInput, match="together"):
        await anna.set_avatar("@bela", picture, of_group=True)


async def test_what_is_no_picture_or_too_large_is_refused(anna: Client, tmp_path: Path) -> None:
    await anna.create_group("club")
    with pytest.raises(BadInput, match="no picture"):
        await anna.set_avatar("club", a_file(tmp_path, b"No face at all."))
    await anna.set_avatar("club", a_file(tmp_path, PNG.ljust(AVATAR_BYTES, b"x")))
    with pytest.raises(BadInput, match="1024 KiB"):
        await anna.set_avatar("club", a_file(tmp_path, PNG.ljust(AVATAR_BYTES + 1, b"x")))


async def test_a_member_cannot_give_the_group_a_picture(
    people: People, anna: Client, bela: Client, picture: Path
) -> None:
    """Promise: what the group shows is set by who may, by the signed state. A member's client that
    claims it is passed over by all others; the message stays one with a file."""
    club = await gather_in("club", anna, bela)
    with pytest.raises(Refused) as no:
        await bela.set_avatar(club, picture, of_group=True)
    assert no.value.refusal == Forbidden("update_group")

    await _claim(people.homes / "bela", club, picture)
    assert await shown(anna, club) == []
    assert [one.portrays for one in await anna.read(club)] == [None]

    await anna.set_role(club, "bela", Role.ADMIN)
    await bela.set_avatar(club, picture, of_group=True)
    assert await shown(anna, club) == [(None, "bela")]


async def _claim(home: Path, group: str, picture: Path) -> None:
    """As a client would that does not ask whether it may."""
    profile = open_profile(home)
    conversation_id = next(
        one.conversation_id for one in await profile.vault.read(list_conversations)
    )
    files = await attachments.upload_all(profile, conversation_id, [picture], None)
    claim = OutboxRecord(
        client_id=new_client_id(),
        conversation_id=conversation_id,
        kind=EntryKind.MESSAGE,
        target=NO_TARGET,
        text="",
        files=files,
        portrays=Portrayed.GROUP,
    )
    await deliver(profile, claim)
    await profile.close()
