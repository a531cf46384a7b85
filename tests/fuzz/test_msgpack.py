"""Promise: what comes in msgpack, over the socket or over HTTP, is answered or refused, and soon.

Hypothesis changes commands that the server of a prepared world takes, and makes up what was never
a command. COTERIE_FUZZ_CASES=50000 tries more, COTERIE_SEED repeats a run: it is printed first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self

import aiohttp
import msgspec
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from coterie.protocol import limits
from coterie.protocol.api import API, BY_NAME, PREFIX, Endpoint
from coterie.protocol.codec import ASK_DECODER, EVENT_DECODER, MSGPACK_ENCODER, UNREADABLE
from coterie.protocol.errors import AnyRefusal, Internal, Unavailable
from coterie.protocol.events import Answered, Ask, Denied, Hello
from tests.fuzz.prepared import Prepared
from tests.fuzz.running import AT_RANDOM, CASES, LIMIT, Tally, complaints, new_seed
from tests.support.server import Server

SENTINEL: Final = 2**32 - 1
MSGPACK: Final = "application/msgpack"
ENDS: Final = "LogOut"
ASKED: Final = [row for row in API if not row.public and row.command.__name__ != ENDS]
BROKEN: Final = (
    aiohttp.WSCloseCode.UNSUPPORTED_DATA,
    aiohttp.WSCloseCode.MESSAGE_TOO_BIG,
)
"""How a socket ends after what is no frame, and after one that is too large."""

Fields = dict[str, Any]
Feed = Callable[[Any], Awaitable[str]]
"""Sends something once; the outcome."""


# --- what is sent


def told(row: Endpoint, world: Prepared) -> Fields:
    """The fields of a command that the server takes, as msgpack has them."""
    request = world.honest[f"{row.method} {row.path}"]
    fields: Fields = {**request.fields, **request.query, **(request.body or {})}
    command = msgspec.convert(fields, row.command, strict=False)
    return msgspec.msgpack.decode(MSGPACK_ENCODER.encode(command))


def anything() -> st.SearchStrategy[Any]:
    """Whatever msgpack can say."""
    numbers = st.integers(-(2**63), 2**64 - 1)
    texts = st.text(max_size=40) | st.binary(max_size=40)
    leaves = st.none() | st.booleans() | numbers | st.floats() | texts
    keys = st.text(max_size=8) | numbers
    return st.recursive(
        leaves,
        lambda more: st.lists(more, max_size=4) | st.dictionaries(keys, more, max_size=4),
        max_leaves=8,
    )


def packed(made: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return made.map(msgspec.msgpack.encode)


@st.composite
def changed(draw: st.DrawFn, right: Fields) -> Fields:
    """A field or two are others, or missing, or too many."""
    fields = dict(right)
    for name in draw(st.lists(st.sampled_from([*right, "more"]), max_size=2)):
        if draw(st.booleans()):
            fields[name] = draw(anything())
        else:
            fields.pop(name, None)
    if right.get("commit") and draw(st.booleans()):
        fields["commit"] = draw(changed(right["commit"]))
    return fields


@st.composite
def bent(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some of the bytes are others, or missing, or too many."""
    at = draw(st.integers(0, len(whole)))
    return whole[:at] + draw(st.binary(max_size=8)) + whole[at + draw(st.integers(0, 8)) :]


def frames(world: Prepared) -> st.SearchStrategy[bytes | int]:
    """A number stands for a frame of so many zeros."""
    commands = {row.command.__name__: told(row, world) for row in ASKED}
    names = st.sampled_from(sorted(commands))
    numbers, often = st.integers(0, SENTINEL - 1), st.integers(0, 7).map(bool)
    other_names = st.sampled_from(sorted(BY_NAME.keys() - {ENDS})) | st.text(max_size=70)

    @st.composite
    def ask(draw: st.DrawFn) -> bytes:
        name = draw(names)
        number = draw(numbers if draw(often) else anything())
        called = name if draw(often) else draw(other_names)
        fields = draw(changed(commands[name]) if draw(often) else anything())
        return msgspec.msgpack.encode([101, number, called, fields])

    large = st.integers(limits.FRAME_BYTES - 2, limits.FRAME_BYTES + 2)
    rubbish = st.one_of(ask().flatmap(bent), packed(anything()), st.binary(max_size=64), large)
    return often.flatmap(lambda good: ask() if good else rubbish)


def bodies(world: Prepared) -> st.SearchStrategy[tuple[Endpoint, bytes]]:
    """Of commands that have one; what stands in the path is right."""
    rows = [row for row in ASKED if row.method not in ("GET", "DELETE")]

    def body(row: Endpoint) -> st.SearchStrategy[tuple[Endpoint, bytes]]:
        fields = told(row, world)
        right = {name: fields[name] for name in fields if f"{{{name}}}" not in row.path}
        near = packed(changed(right))
        return st.tuples(
            st.just(row), st.one_of(near, near, near.flatmap(bent), packed(anything()))
        )

    return st.sampled_from(rows).flatmap(body)


# --- who sends it


class Voice:
    """Somebody of the world, whose socket is opened again when the server closes it."""

    def __init__(self, server: Server, world: Prepared, http: aiohttp.ClientSession) -> None:
        self._url = server.url + PREFIX
        self._world = world
        self._http = http
        self._token = world.tokens[0]
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @classmethod
    async def begin(cls, server: Server, world: Prepared) -> Self:
        return cls(server, world, aiohttp.ClientSession())

    async def end(self) -> None:
        await self._http.close()

    async def send_frame(self, made: bytes | int) -> str:
        """With a good one behind it: both are answered, or the socket is closed."""
        frame = bytes(made)
        socket = self._socket or await self._open()
        awaited, outcome = {SENTINEL} | _number(frame), "nothing"
        with suppress(ConnectionError):  # it may be closed before all of this is sent
            await socket.send_bytes(frame)
            await socket.send_bytes(MSGPACK_ENCODER.encode(_SENTINEL))
        while awaited:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                is_large = len(frame) >= limits.FRAME_BYTES - 2  # some of it may never be read
                assert is_large or socket.close_code in BROKEN, socket.close_code
                self._socket = None
                return "closed"
            event = EVENT_DECODER.decode(message.data)
            if isinstance(event, Answered | Denied):
                awaited.discard(event.number)
                outcome = _outcome(event) if event.number != SENTINEL else outcome
        return outcome

    async def send_body(self, asked: tuple[Endpoint, bytes]) -> str:
        """Over HTTP."""
        row, body = asked
        request = self._world.honest[f"{row.method} {row.path}"]
        headers = {"Authorization": f"Bearer {request.token}"}
        headers |= {"Content-Type": MSGPACK, "Accept": MSGPACK}
        url = self._url + row.path.format(**request.fields)
        async with self._http.request(row.method, url, data=body, headers=headers) as answer:
            content = await answer.read()
            assert answer.status < 500, content
            msgspec.msgpack.decode(content, type=row.result if answer.ok else AnyRefusal)
            return "answered" if answer.ok else "denied"

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        self._socket = await self._http.ws_connect(f"{self._url}/events", max_msg_size=0)
        await self._socket.send_bytes(MSGPACK_ENCODER.encode(Hello(self._token)))
        await self._socket.receive_bytes()
        return self._socket


_SENTINEL: Final = Ask(SENTINEL, "GetAccount", msgspec.Raw(b"\x80"))


def _number(frame: bytes) -> set[int]:
    try:
        return {ASK_DECODER.decode(frame).number}
    except UNREADABLE:
        return set()


def _outcome(event: Answered | Denied) -> str:
    if isinstance(event, Answered):
        return "answered"
    assert not isinstance(event.refusal, Internal | Unavailable), event.refusal
    return "denied"


def feed_all(
    runner: asyncio.Runner, made: st.SearchStrategy[Any], number: int, tally: Tally, feed: Feed
) -> None:
    async def timed(one: Any) -> None:
        for _ in range(2):
            began = time.monotonic()
            async with asyncio.timeout(LIMIT):
                tally.outcomes["", await feed(one)] += 1
            if not tally.is_slow(time.monotonic() - began):
                return
        tally.hangs.append(repr(one))

    @seed(number)
    @settings(AT_RANDOM, max_examples=CASES)
    @given(made)
    def run(one: Any) -> None:
        runner.run(timed(one))

    run()


def fuzz(
    prepared: tuple[Server, Prepared],
    made: st.SearchStrategy[Any],
    choose: Callable[[Voice], Feed],
    *outcomes: str,
) -> None:
    """Each of the outcomes must have been had."""
    server, world = prepared
    tally, number = Tally(), new_seed()
    with asyncio.Runner() as runner:
        voice = runner.run(Voice.begin(server, world))
        try:
            feed_all(runner, made, number, tally, choose(voice))
        finally:
            runner.run(voice.end())
    print(tally)  # noqa: T201
    assert all(tally.outcomes["", outcome] > CASES / 50 for outcome in outcomes), str(tally)
    assert tally.hangs == []
    assert complaints(server.logs) == []


@pytest.mark.timeout(300 + CASES)
def test_frames(prepared: tuple[Server, Prepared]) -> None:
    made = frames(prepared[1])
    fuzz(prepared, made, lambda voice: voice.send_frame, "answered", "denied", "closed")


@pytest.mark.timeout(300 + CASES)
def test_bodies(prepared: tuple[Server, Prepared]) -> None:
    fuzz(prepared, bodies(prepared[1]), lambda voice: voice.send_body, "answered", "denied")
