"""The way to the server: what is repeated, what is refused, and what never leaves the machine."""

import asyncio
import gzip
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice
from random import Random
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import (
    Account,
    Anchor,
    Done,
    GetAccount,
    GetInvite,
    GetServer,
    GroupInfos,
    InviteDetails,
    LogOut,
    ServerInfo,
)
from coterie.protocol.errors import NotFound, RateLimited, Refused, Unavailable
from coterie.protocol.limits import (
    BODY_BYTES,
    COMMIT_BYTES,
    GROUP_INFOS_PER_EPOCH,
    GROUP_NAME_LENGTH,
    KIB,
    MIB,
    STATE_BYTES,
)
from coterie.sdk.connection import Connection, pauses
from coterie.sdk.errors import BadAddress, BadAnswer, InsecureServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
INFO = ServerInfo(version="1", registration="open", server_key=bytes(32))
GZIP = {"Content-Encoding": "gzip"}


def answer(body: object, status: int = 200) -> web.Response:
    encoded = JSON_ENCODER.encode(body)
    return web.Response(body=encoded, status=status, content_type="application/json")


async def serve(handler: Handler) -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app)
    await server.start_server()
    return server


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org",
        "http://192.168.1.7:8440",
        "http://127.0.0.1.example.org",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_beyond_this_machine_is_refused(address: str) -> None:
    with pytest.raises(InsecureServer, match="https"):
        Connection(address)


@pytest.mark.parametrize(
    "address",
    ["https://example.org", "http://localhost:8440/", "http://127.0.0.1:1", "http://[::1]:8440"],
)
def test_https_and_this_machine_are_taken(address: str) -> None:
    assert Connection(address).server == address.rstrip("/")


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org", "https://", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadAddress, match="address"):
        Connection(address)


async def test_a_lost_answer_is_asked_for_again_with_the_same_bytes() -> None:
    bodies: list[bytes] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.read())
        if len(bodies) == 1:
            assert request.transport is not None
            request.transport.abort()
        if len(bodies) == 2:
            return answer(Unavailable(), 503)
        return answer(Done())

    server = await serve(handler)
    connection = Connection(str(server.make_url("")), "token")
    assert await connection.call(LogOut(), Done) == Done()
    assert len(bodies) == 3, "once lost, once unavailable, once answered"
    assert len(set(bodies)) == 1, "a repeated command is the same command"
    await connection.close()
    await server.close()


async def test_who_is_told_to_wait_a_moment_waits() -> None:
    asked: list[float] = []
    refusals = [RateLimited(1), RateLimited(3600)]

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(asyncio.get_running_loop().time())
        return answer(refusals[len(asked) - 1], 429)

    server = await serve(handler)
    connection = Connection(str(server.make_url("")))
    with pytest.raises(Refused) as caught:
        await connection.call(GetServer(), ServerInfo)
    assert caught.value.refusal == RateLimited(3600), "an hour is nothing to wait for silently"
    assert asked[1] - asked[0] >= 1
    await connection.close()
    await server.close()


async def test_a_refusal_is_raised_as_the_server_means_it() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return answer(NotFound("group"), 404)

    server = await serve(handler)
    connection = Connection(str(server.make_url("")))
    with pytest.raises(Refused) as caught:
        await connection.call(GetServer(), ServerInfo)
    assert caught.value.refusal == NotFound("group")
    await connection.close()
    await server.close()


@pytest.mark.parametrize(
    "response",
    [
        lambda: web.Response(text="<html>", status=200),
        lambda: web.Response(text="<html>", status=502),
        lambda: answer({"version": "1"}),
        lambda: web.Response(body=b'{"version": "\xff"}'),
        lambda: web.Response(body=b'{"code": "not_found", "what": "\xff"}', status=404),
        lambda: web.Response(body=b'{"x": ' + b"[" * 100_000),
        lambda: web.Response(body=gzip.compress(JSON_ENCODER.encode(INFO)), headers=GZIP),
    ],
    ids=["a page", "an error page", "less", "no text", "no text as an error", "deep", "packed"],
)
async def test_an_answer_of_something_else_is_told_apart(
    response: Callable[[], web.Response],
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return response()

    server = await serve(handler)
    connection = Connection(str(server.make_url("")))
    with pytest.raises(BadAnswer):
        await connection.call(GetServer(), ServerInfo)
    await connection.close()
    await server.close()


@pytest.mark.parametrize("status", [200, 404])
async def test_an_answer_without_end_is_not_read_to_its_end(status: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * MIB)
        return response

    server = await serve(handler)
    connection = Connection(str(server.make_url("")))
    async with asyncio.timeout(20):
        with pytest.raises(BadAnswer, match=r"more than \d+ bytes"):
            await connection.call(GetServer(), ServerInfo)
    await connection.close()
    await server.close()


async def test_the_largest_answer_there_can_be_is_read() -> None:
    """What a link shows of a group where everything is as large as it may be."""
    tree, info = bytes(BODY_BYTES), bytes(COMMIT_BYTES)
    context, tag = bytes(2 * STATE_BYTES), bytes(64)
    infos = [info] * (GROUP_INFOS_PER_EPOCH + 1)
    details = InviteDetails(
        group_id=uuid4(),
        name="x" * GROUP_NAME_LENGTH,
        sealed_anchor=bytes(KIB),
        anchor=Anchor(group_context=context, ratchet_tree=tree, confirmation_tag=tag),
        anchor_epoch=1,
        group_infos=GroupInfos(epoch=1, seq=1, group_infos=infos, ratchet_tree=tree),
    )

    async def handler(request: web.Request) -> web.StreamResponse:
        return answer(details)

    server = await serve(handler)
    connection = Connection(str(server.make_url("")))
    assert await connection.call(GetInvite(code="x" * 20), InviteDetails) == details
    await connection.close()
    await server.close()


async def test_a_redirect_does_not_carry_the_session_away() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization", ""))
        return answer(INFO)

    other = await serve(elsewhere)

    async def handler(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(str(other.make_url("/api/v1/account")))

    server = await serve(handler)
    connection = Connection(str(server.make_url("")), "token")
    with pytest.raises(BadAnswer):
        await connection.call(GetAccount(), Account)
    assert seen == [], "nobody else was asked"
    await connection.close()
    await server.close()
    await other.close()


def test_the_session_token_shows_nowhere() -> None:
    assert "token-5d1f" not in repr(Connection("https://example.org", "token-5d1f"))


# --- pauses


@given(st.randoms(use_true_random=False))
def test_pauses_grow_to_an_end_and_are_never_far_from_their_length(chance: Random) -> None:
    lengths = [0.1, 0.2, 0.4, 0.8, 1.6, *[3.0] * 20]
    for pause, length in zip(pauses(chance.uniform), lengths, strict=False):
        assert length / 2 <= pause <= length * 3 / 2


def test_who_was_cut_off_together_comes_back_spread_out() -> None:
    """Of a thousand, a tenth of the time that they wait never sees more than a third."""
    for tries, waited in ((1, 0.1), (3, 0.7), (6, 6.1)):
        clients = (pauses(Random(seed).uniform) for seed in range(1_000))  # noqa: S311
        back = sorted(sum(islice(client, tries)) for client in clients)
        for before, begun in enumerate(back):
            assert bisect_left(back, begun + waited / 10) - before <= 333
