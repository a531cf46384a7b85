"""Promise: the server cannot read messages, edits, reactions, files or file names.

Unique strings are planted wherever a person writes something; a receiver reads them back; then they
are looked for in everything the server keeps, writes or hears.
"""

import filecmp
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from coterie.sdk import Client
from coterie.sdk.views import Message
from coterie.server.postgres.binaries import find_binaries
from tests.support.needles import files_below, occurrences
from tests.support.people import PASSWORD, World
from tests.support.proxy import Proxy
from tests.support.server import Server

RARE_EMOJI = "👩🏾‍❤️‍💋‍👨🏿"
GROUP_NAME = "CANARY-group-name"


def canary(what: str) -> str:
    return f"CANARY-{what}-{secrets.token_hex(12)}"


class Plants:
    """What nobody but the members may ever see."""

    def __init__(self, folder: Path) -> None:
        self.text = canary("text")
        self.reply = canary("reply")
        self.edited = canary("edited")
        self.deleted = canary("deleted")
        self.direct = canary("direct")
        self.file_name = canary("name")
        self.content = canary("file")
        self.file = folder / f"{self.file_name}.txt"
        self.file.write_text((self.content + "\n") * 5_000)

    def all(self) -> dict[str, bytes]:
        texts = {name: text for name, text in vars(self).items() if isinstance(text, str)}
        return {name: text.encode() for name, text in texts.items()} | {
            "emoji": RARE_EMOJI.encode()
        }


async def play(anna: Client, bela: Client, group: str, plants: Plants) -> None:
    """Anna does everything that a person can do with words."""
    first = await anna.send(group, plants.text, files=[plants.file])
    await anna.send(group, plants.reply, reply_to=first.message_id)
    edited = await anna.send(group, canary("before-edit"))
    await anna.edit(group, edited.message_id, plants.edited)
    gone = await anna.send(group, plants.deleted)
    await bela.sync()
    assert plants.deleted in [message.text for message in await bela.read(group)]
    await anna.delete(group, gone.message_id)
    await anna.react(group, first.message_id, RARE_EMOJI)
    await anna.send(f"@{bela.username}", plants.direct)


async def receive(bela: Client, anna: Client, group: str, plants: Plants, out: Path) -> None:
    """Bela reads it all back: the canaries were really sent, whole."""
    await bela.sync()
    messages = await bela.read(group)
    texts = [message.text for message in messages if message.text]
    assert texts == [plants.text, plants.reply, plants.edited]
    assert messages[1].reply_to_id == messages[0].message_id
    assert [reaction.emoji for reaction in messages[0].reactions] == [RARE_EMOJI]
    await receive_file(bela, group, messages[0], plants, out)
    direct = await bela.read(f"@{anna.username}")
    assert [message.text for message in direct] == [plants.direct]


async def receive_file(
    bela: Client, group: str, message: Message, plants: Plants, out: Path
) -> None:
    (file,) = message.files
    assert file.name == plants.file.name
    await bela.download(group, file.file_id, out)
    assert filecmp.cmp(out, plants.file, shallow=False)


def dump(database_url: str) -> bytes:
    """Every row of every table, as an operator's backup holds it."""
    command = [find_binaries() / "pg_dump", "--inserts", database_url]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "server") as server:
        yield server


async def test_nothing_a_person_wrote_is_anywhere_on_the_server(
    server: Server, tmp_path: Path
) -> None:
    plants = Plants(tmp_path)
    async with Proxy(server.url) as proxy, World(proxy.url, tmp_path / "people") as world:
        anna, bela = await world.people("anna", "bela")
        group = await world.group(anna, [bela], name=GROUP_NAME)
        invite = await anna.create_invite(group, max_uses=1)
        await play(anna, bela, group, plants)
        await receive(bela, anna, group, plants, tmp_path / "received")
        secret = str(invite.link).partition("#")[2]
        codes = [code.words for code in world.codes.values()]
        traffic = bytes(proxy.traffic)

    dumped = dump(server.database_url)
    server.stop()  # in good order: PostgreSQL writes what it held in memory
    kept = [("dump", dumped), ("log", server.log_file.read_bytes()), *files_below(server.data)]
    heard = [*kept, ("traffic", traffic)]
    never = plants.all() | {"link secret": secret.encode(), "recovery code": codes[0].encode()}
    for what, text in never.items():
        assert occurrences(text, iter(heard)) == [], f"the server has the {what}"
    assert occurrences(PASSWORD.encode(), iter(kept)) == [], "the server keeps the password"
    check_the_search(occurrences(GROUP_NAME.encode(), iter(heard)))


def check_the_search(found: list[str]) -> None:
    """It sees what the server does know: a search that finds nothing proves nothing."""
    assert {"dump (raw)", "traffic (raw)"} <= set(found)
    assert any("pg_wal" in place for place in found), "it looks into the write-ahead log"
    assert any("base/" in place for place in found), "it looks into the data files"
