"""Files before and beside their bytes: reserved, attached, discarded, through the whole server."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.errors import NotFound, QuotaExceeded, Taken, TooLarge
from coterie.protocol.roles import Role
from tests.server.client import NewPerson, Person, group_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


def reservation(conversation_id: UUID, **changes: Any) -> c.ReserveFile:
    fields: dict[str, Any] = {
        "conversation_id": conversation_id,
        "file_id": uuid4(),
        "filename": "A" * 86,
        "size_bytes": 100,
        "encryption_header": secrets.token_bytes(24),
    }
    return c.ReserveFile(**(fields | changes))


async def content(person: Person, method: str, file_id: UUID, data: Any = None, **how: Any) -> Any:
    path = f"{PREFIX}/files/{file_id}/content"
    token = {"Authorization": f"Bearer {person.token}"}
    async with person.http.request(method, path, data=data, headers=token, **how) as response:
        return response.status, await response.read()


async def upload(person: Person, conversation_id: UUID, data: bytes) -> UUID:
    command = reservation(conversation_id, size_bytes=len(data))
    await person.ask(command)
    status, _ = await content(person, "PUT", command.file_id, data)
    assert status == 200
    return command.file_id


async def test_a_file_from_its_reservation_to_its_destruction(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    data = secrets.token_bytes(100_000)
    file_id = await upload(bela, group_id, data)
    assert (await content(chen, "GET", file_id))[0] == 404, "nobody's but the uploader's yet"
    said = await bela.send(group_id, file_ids=[file_id])
    assert await content(chen, "GET", file_id) == (200, data)
    assert (await bela.ask(c.GetAccount())).used_bytes == len(data)
    await bela.ask(bela.deletion(group_id, said))
    for person in (bela, chen):
        assert (await content(person, "GET", file_id))[0] == 404
    assert (await bela.ask(c.GetAccount())).used_bytes == 0


async def test_reserving_again_says_whether_the_bytes_are_there(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    command = reservation(await bela.create_group())
    for _ in range(2):
        reserved = await bela.ask(command)
        assert (reserved.file_id, reserved.uploaded) == (command.file_id, False)
    await content(bela, "PUT", command.file_id, bytes(100))
    assert (await bela.ask(command)).uploaded


async def test_an_id_is_one_files(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    command = reservation(group_id)
    await bela.ask(command)
    assert await refusal(chen.ask(command)) == Taken("file_id")
    larger = msgspec.structs.replace(command, size_bytes=101)
    assert await refusal(bela.ask(larger)) == Taken("file_id")


async def test_the_quota_holds_before_the_bytes_come(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    huge = reservation(group_id, size_bytes=limits.FILE_BYTES + 1)
    assert await refusal(bela.ask(huge)) == TooLarge("file", limits.FILE_BYTES)
    for _ in range(limits.QUOTA_BYTES // limits.FILE_BYTES):
        await bela.ask(reservation(group_id, size_bytes=limits.FILE_BYTES))
    one_more = reservation(group_id, size_bytes=1)
    assert await refusal(bela.ask(one_more)) == QuotaExceeded(limits.QUOTA_BYTES)
    database.execute("DELETE FROM files WHERE uploader_id = %s", [bela.user_id])
    await bela.ask(one_more)


async def test_strangers_reserve_nothing(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command = reservation(await bela.create_group())
    assert await refusal(chen.ask(command)) == NotFound("conversation")
    await bela.ask(command)


async def test_an_upload_is_given_up_by_who_began_it(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    group_id = await group_of(bela, (chen, Role.MEMBER))
    file_id = await upload(bela, group_id, b"x" * 10)
    discard = c.DiscardFile(file_id=file_id)
    assert await refusal(chen.ask(discard)) == NotFound("file")
    await bela.ask(discard)
    assert (await content(bela, "GET", file_id))[0] == 404
    assert await refusal(bela.ask(discard)) == NotFound("file")
    attached = await upload(bela, group_id, b"x" * 10)
    await bela.send(group_id, file_ids=[attached])
    kept = c.DiscardFile(file_id=attached)
    assert await refusal(bela.ask(kept)) == NotFound("unattached file")
    assert (await content(chen, "GET", attached))[0] == 200


async def test_a_discarded_file_arrives_no_further(new_person: NewPerson) -> None:
    """Its room is free again at once: bytes still on their way would be nobody's."""
    bela = await new_person("bela")
    group_id = await bela.create_group()
    large = reservation(group_id, size_bytes=3 * limits.MIB)
    await bela.ask(large)
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(2 * limits.MIB)
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(content(bela, "PUT", large.file_id, endless(), expect100=True))
    await begun.wait()
    await bela.ask(c.DiscardFile(file_id=large.file_id))
    small = msgspec.structs.replace(large, size_bytes=1)
    assert not (await bela.ask(small)).uploaded
    async with asyncio.timeout(10):
        assert (await upload)[0] == 404
    assert (await content(bela, "GET", large.file_id))[0] == 404
    assert (await content(bela, "PUT", large.file_id, b"x"))[0] == 200, "the new one goes on"
    assert await content(bela, "GET", large.file_id) == (200, b"x")
    assert (await bela.ask(c.GetAccount())).used_bytes == 1


async def test_the_files_of_a_group_go_with_it(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group("Garden")
    file_id = await upload(bela, group_id, b"x" * 10)
    await bela.send(group_id, file_ids=[file_id])
    unattached = await upload(bela, group_id, b"x" * 10)
    await bela.ask(c.DeleteGroup(group_id=group_id, name="Garden"))
    left = database.execute(
        "SELECT 1 FROM files WHERE id = ANY(%s)", [[file_id, unattached]]
    ).fetchall()
    assert left == []


# --- in the words of tus


def created(command: c.ReserveFile, **changes: str) -> dict[str, str]:
    """The headers of a creation."""
    texts = {
        "conversation_id": str(command.conversation_id).encode(),
        "file_id": str(command.file_id).encode(),
        "filename": command.filename.encode(),
        "encryption_header": command.encryption_header,
    }
    metadata = [f"{name} {b64encode(text).decode()}" for name, text in texts.items()]
    return {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(command.size_bytes),
        "Upload-Metadata": ",".join([*metadata, "is_confidential"]),
        **changes,
    }


async def tus(
    person: Person,
    method: str,
    path: str,
    headers: Mapping[str, str] = MappingProxyType({}),
    data: bytes | None = None,
) -> tuple[int, dict[str, str], bytes]:
    spoken = {"Authorization": f"Bearer {person.token}", "Tus-Resumable": "1.0.0"}
    async with person.http.request(
        method, path, data=data, headers={**spoken, **headers}
    ) as response:
        return response.status, dict(response.headers), await response.read()


async def test_tus_creates_sends_and_ends_an_upload(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    command = reservation(group_id, size_bytes=10)

    status, headers, _ = await tus(bela, "POST", f"{PREFIX}/files", created(command))
    place = headers["Location"]
    assert (status, place) == (201, f"{PREFIX}/files/{command.file_id}/content")
    assert (await bela.ask(command)).uploaded is False, "it is the same reservation"
    piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    assert (await tus(bela, "PATCH", place, piece, b"0123456789"))[0] == 204
    await bela.send(group_id, file_ids=[command.file_id])

    assert await content(bela, "GET", command.file_id) == (200, b"0123456789")
    assert (await tus(bela, "DELETE", place))[0] == 404, "it is a message's now"


async def test_tus_gives_an_upload_up(new_person: NewPerson) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command = reservation(await group_of(bela, (chen, Role.MEMBER)))
    await bela.ask(command)
    place = f"{PREFIX}/files/{command.file_id}/content"

    assert (await tus(chen, "DELETE", place))[0] == 404
    assert (await tus(bela, "DELETE", place, {"Tus-Resumable": "1.1.0"}))[0] == 412
    assert (await tus(bela, "HEAD", place))[0] == 200
    status, headers, _ = await tus(bela, "DELETE", place)
    assert (status, headers["Tus-Resumable"]) == (204, "1.0.0")
    assert (await tus(bela, "HEAD", place))[0] == 404
    assert (await bela.ask(c.GetAccount())).used_bytes == 0


async def test_tus_creates_no_more_than_a_reservation_would(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    command = reservation(await bela.create_group())
    huge = str(limits.FILE_BYTES + 1)
    for person, headers, wanted in (
        (chen, created(command), 404),
        (bela, created(command, **{"Upload-Length": huge}), 413),
        (bela, created(command, **{"Upload-Length": "a lot"}), 400),
        (bela, created(command, **{"Upload-Length": "-1"}), 400),
        (bela, created(command, **{"Upload-Metadata": ""}), 400),
        (bela, created(command, **{"Upload-Metadata": "conversation_id $$$"}), 400),
        (bela, created(command, **{"Tus-Resumable": "2.0.0"}), 412),
        (bela, created(msgspec.structs.replace(command, filename="no/thing")), 400),
    ):
        assert (await tus(person, "POST", f"{PREFIX}/files", headers))[0] == wanted
    rows = database.execute("SELECT 1 FROM files WHERE id = %s", [command.file_id]).fetchall()
    assert rows == []


async def test_tus_says_what_it_can(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    for path in (f"{PREFIX}/files", f"{PREFIX}/files/{uuid4()}/content"):
        status, headers, _ = await tus(bela, "OPTIONS", path)
        assert status == 204
        assert headers["Tus-Version"] == "1.0.0"
        assert headers["Tus-Extension"] == "creation,termination"
        assert headers["Tus-Max-Size"] == str(limits.FILE_BYTES)


async def test_in_a_direct_conversation_files_hang_on_their_own_column(
    new_person: NewPerson, database: psycopg.Connection
) -> None:
    bela, chen = await new_person("bela"), await new_person("chen")
    await chen.publish()
    opened = await bela.open_direct(chen)
    await chen.accept_welcomes()
    file_id = await upload(bela, opened, b"x" * 10)
    await bela.send(opened, file_ids=[file_id])
    assert await content(chen, "GET", file_id) == (200, b"x" * 10)
    row = database.execute(
        "SELECT conversation_id, direct_conversation_id FROM files WHERE id = %s", [file_id]
    ).fetchone()
    assert row == (None, opened)
