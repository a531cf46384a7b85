"""The HTTP side itself: what is no command, what is too much, what every answer bears."""

import asyncio
import json
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from coterie.protocol import commands as c
from coterie.protocol import limits
from coterie.protocol.api import API, PREFIX
from coterie.protocol.codec import REFUSAL_DECODER
from coterie.protocol.errors import Unauthenticated
from coterie.server.operations import BEGINNINGS, OPERATIONS
from tests.server.client import NewPerson, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUBLIC = {c.GetServer, c.SignUp, c.LogIn}


def headers(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


async def answer(http: ClientSession, method: str, path: str, **how: Any) -> tuple[int, Any]:
    async with http.request(method, path, **how) as response:
        assert response.content_type == "application/json"
        return response.status, json.loads(await response.read())


async def test_every_command_is_answered_by_somebody() -> None:
    commands = {endpoint.command for endpoint in API}
    assert commands == OPERATIONS.keys() | BEGINNINGS.keys() | PUBLIC | {c.SendMessage}
    assert {endpoint.command for endpoint in API if endpoint.public} == PUBLIC


async def test_every_other_route_asks_for_a_session_first(http: ClientSession) -> None:
    for endpoint in API:
        if not endpoint.public:
            path = PREFIX + endpoint.path.replace("{", "").replace("}", "")
            status, refusal = await answer(http, endpoint.method, path, data=b"not even JSON")
            assert (status, refusal["code"]) == (401, "unauthenticated"), path


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"unknown": 1}',
        b'{"name": 7}',
        b'{"group_id": "no id"}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"a":' * 100_000,
    ],
)
async def test_what_is_no_command_is_malformed(new_person: NewPerson, body: bytes) -> None:
    bela = await new_person("bela")
    status, refusal = await answer(
        bela.http, "POST", f"{PREFIX}/groups", data=body, headers=headers(bela)
    )
    assert (status, refusal["code"]) == (400, "malformed")


async def test_what_stands_in_the_path_stands_there_alone(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    path = f"{PREFIX}/groups/{group_id}"
    for method, how in (
        ("PATCH", {"json": {"group_id": str(uuid4()), "description": "x"}}),
        ("GET", {"params": {"group_id": str(uuid4())}}),
    ):
        status, refusal = await answer(bela.http, method, path, headers=headers(bela), **how)
        assert (status, refusal["code"]) == (400, "malformed")
    status, _ = await answer(
        bela.http, "PATCH", path, json={"description": "x"}, headers=headers(bela)
    )
    assert status == 200


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "after=7", "more=1", "limit=1&limit=2"]
)
async def test_a_query_is_checked_like_a_body(new_person: NewPerson, query: str) -> None:
    bela = await new_person("bela")
    status, refusal = await answer(
        bela.http, "GET", f"{PREFIX}/conversations?{query}", headers=headers(bela)
    )
    assert (status, refusal["code"]) == (400, "malformed")


async def test_a_text_that_no_database_holds_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    status, refusal = await answer(
        bela.http,
        "PATCH",
        f"{PREFIX}/groups/{group_id}",
        json={"description": "nothing \0 here"},
        headers=headers(bela),
    )
    assert (status, refusal["code"]) == (400, "malformed")


async def test_a_number_that_no_database_holds_is_refused(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    group_id = await bela.create_group()
    for after in (2**63, 2**70):
        status, refusal = await answer(
            bela.http,
            "GET",
            f"{PREFIX}/conversations/{group_id}/entries?after={after}",
            headers=headers(bela),
        )
        assert (status, refusal["code"]) == (400, "malformed")


async def test_a_request_has_a_largest_size(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    too_large = {"code": "too_large", "what": "request", "limit": limits.BODY_BYTES}
    body = BytesIO(bytes(limits.BODY_BYTES + 1))
    path = f"{PREFIX}/groups"
    assert await answer(bela.http, "POST", path, data=body, headers=headers(bela)) == (
        413,
        too_large,
    )
    status, refusal = await answer(
        bela.http, "POST", f"{PREFIX}/accounts", data=b"x" * (64 * limits.KIB + 1)
    )
    assert (status, refusal["code"]) == (413, "too_large"), "without a session far less"


async def test_a_compressed_request_is_not_unpacked(new_person: NewPerson) -> None:
    bela = await new_person("bela")
    status, refusal = await answer(
        bela.http,
        "POST",
        f"{PREFIX}/groups",
        data=b"{}",
        compress="gzip",
        headers=headers(bela),
    )
    assert (status, refusal["code"]) == (400, "malformed")


async def test_unknown_addresses_and_methods_are_refused_in_json(http: ClientSession) -> None:
    for path in ("/", "/api/v1", "/api/v1/nothing", "/api/v2/server"):
        assert await answer(http, "GET", path) == (404, {"code": "not_found", "what": "address"})
    status, refusal = await answer(http, "DELETE", f"{PREFIX}/server")
    assert (status, refusal["code"]) == (405, "malformed")


async def test_every_answer_bears_the_headers_that_protect_it(http: ClientSession) -> None:
    for path in (f"{PREFIX}/server", f"{PREFIX}/account", "/nothing", "/healthz"):
        async with http.get(path) as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Server"] == "coterie"


async def test_a_refusal_says_when_to_come_back_and_how(http: ClientSession) -> None:
    async with http.get(f"{PREFIX}/account") as response:
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", [b"\xff\xfe", b"\xed\xb2\x80", "\u00f6".encode()])
async def test_a_token_that_is_no_text_is_no_session(server_url: str, token: bytes) -> None:
    host, port = server_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {PREFIX}/account HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n".encode())
    writer.write(b"Authorization: Bearer " + token + b"\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 401 ")
    assert REFUSAL_DECODER.decode(body) == Unauthenticated()


async def test_the_server_says_who_it_is(http: ClientSession) -> None:
    status, server = await answer(http, "GET", f"{PREFIX}/server")
    assert status == 200
    assert server["registration"] == "open"
    assert (await answer(http, "GET", "/healthz")) == (200, {"status": "ok"})


async def test_a_client_that_hangs_up_harms_nobody(new_person: NewPerson, server_url: str) -> None:
    bela = await new_person("bela")
    host, port = server_url.removeprefix("http://").split(":")
    for begun in (
        b"POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n",
        b"GARBAGE\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        authorised = begun + f"Authorization: Bearer {bela.token}\r\n\r\n{{".encode()
        writer.write(authorised)
        await writer.drain()
        writer.close()
        await reader.read()
    assert (await bela.ask(c.GetAccount())).user_id == bela.user_id
