"""The way to the server: every command goes through `call`.

Files go through `append`, `get_offset` and `download`, each of which may be cut off at any byte:
`transfers` goes on with them.
"""

import asyncio
import ipaddress
import random
import string
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import msgspec

from coterie.protocol.api import BY_COMMAND, PREFIX, Endpoint
from coterie.protocol.codec import JSON_ENCODER, REFUSAL_DECODER, UNREADABLE
from coterie.protocol.commands import Command
from coterie.protocol.errors import (
    NotFound,
    RateLimited,
    Refusal,
    Refused,
    Taken,
    Unauthenticated,
    Unavailable,
)
from coterie.protocol.limits import ANSWER_BYTES, EVENT_BYTES
from coterie.sdk.errors import BadAddress, BadAnswer, InsecureServer, ServerUnreachable
from coterie.sdk.fields import require_well_formed

R = TypeVar("R")
ANSWER_SECONDS: Final = 60
CONNECT_SECONDS: Final = 10
SILENCE_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 45
"""How long a command is repeated while the server is gone: a restart fits into it."""
FIRST_PATIENCE_SECONDS: Final = 10
"""The same as long as this address has never answered: it may be mistyped."""
SHORT_WAIT_SECONDS: Final = 5
"""Who is asked to wait so long waits; what takes longer is a person's to decide."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_BLOCK_BYTES: Final = 1 << 18
_DIGITS: Final = 15
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_LOST: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)


class Connection:
    """Commands to one server, on behalf of one session.

    Every command may be repeated: a lost answer, or `Unavailable`, is asked for again with
    growing pauses, for as long as `patience` (in seconds); so is `RateLimited` with a short wait.
    """

    def __init__(
        self, server: str, token: str | None = None, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        """Raises InsecureServer for plain http beyond this machine."""
        self.server = checked_address(server)
        self.token = token
        self._patience = patience
        self._http: aiohttp.ClientSession | None = None
        self._reached = False

    def __repr__(self) -> str:
        return f"Connection({self.server!r})"

    async def call(self, command: Command, result: type[R]) -> R:
        """The server's answer. Raises Refused, BadInput, ServerUnreachable, BadAnswer."""
        require_well_formed(command)
        endpoint = BY_COMMAND[type(command)]
        assert endpoint.result is result, f"{endpoint.path} answers {endpoint.result}"  # noqa: S101
        return await self._repeat(lambda: self._ask(endpoint, command, result))

    async def append(
        self, file_id: UUID, offset: int, length: int, blocks: AsyncIterable[bytes]
    ) -> int:
        """Send the next `length` bytes of a reserved file; how many the server has then.

        tus 1.0, *PATCH*. Raises Refused, ServerUnreachable, BadAnswer.
        """
        piece = {
            "Content-Length": str(length),
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
        }
        async with self._content("PATCH", file_id, _TUS | piece, blocks) as answer:
            return _offset(answer)

    async def get_offset(self, file_id: UUID) -> int:
        """How many bytes of an upload of one's own the server has.

        tus 1.0, *HEAD*. Raises Refused, ServerUnreachable, BadAnswer.
        """
        async with self._content("HEAD", file_id, _TUS) as answer:
            return _offset(answer)

    @asynccontextmanager
    async def download(
        self, file_id: UUID, offset: int = 0
    ) -> AsyncGenerator[AsyncIterable[bytes]]:
        """A file's bytes behind the first `offset`, in blocks of any size.

        RFC 9110 §14.2. Raises Refused, ServerUnreachable, BadAnswer.
        """
        wanted = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._content("GET", file_id, wanted) as answer:
            if offset and answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise BadAnswer("a file from its beginning, in place of the rest")
            yield answer.content.iter_chunked(_BLOCK_BYTES)

    async def events(self) -> aiohttp.ClientWebSocketResponse:
        """A socket to read events from, not yet greeted."""
        return await self._session().ws_connect(
            f"{self.server}{PREFIX}/events",
            heartbeat=SILENCE_SECONDS / 2,
            max_msg_size=EVENT_BYTES,
        )

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    @asynccontextmanager
    async def _content(
        self,
        method: str,
        file_id: UUID,
        headers: Mapping[str, str],
        blocks: AsyncIterable[bytes] | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        try:
            async with self._session().request(
                method,
                f"{self.server}{PREFIX}/files/{file_id}/content",
                data=blocks,
                headers={**self._headers(), **headers},
                timeout=_STREAMING,
                allow_redirects=False,
            ) as answer:
                await _check(answer)
                yield answer
        except _LOST:
            raise ServerUnreachable(self.server) from None

    async def _repeat(self, ask: Callable[[], Any]) -> Any:
        began = asyncio.get_running_loop().time()
        for pause in pauses():
            try:
                return await ask()
            except _LOST:
                refusal: Exception = ServerUnreachable(self.server)
            except Refused as no:
                pause = _pause_after(no.refusal, pause)
                if pause is None:
                    raise
                refusal = no
            patience = self._patience
            if not self._reached:
                patience = min(patience, FIRST_PATIENCE_SECONDS)
            if asyncio.get_running_loop().time() + pause > began + patience:
                raise refusal
            await asyncio.sleep(pause)

    async def _ask(self, endpoint: Endpoint, command: Command, result: type[R]) -> R:
        path, rest = _split(endpoint, command)
        in_query = endpoint.method in ("GET", "DELETE")
        async with self._session().request(
            endpoint.method,
            f"{self.server}{PREFIX}{path}",
            params={name: str(value) for name, value in rest.items()} if in_query else None,
            data=None if in_query else JSON_ENCODER.encode(rest),
            headers=self._headers() | ({} if in_query else {"Content-Type": "application/json"}),
            timeout=_ANSWERING,
            allow_redirects=False,
        ) as answer:
            self._reached = True
            await _check(answer)
            return _decode(await _read(answer), result)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity"},  # what is small may not grow here
                auto_decompress=False,
            )
        return self._http

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def checked_address(server: str) -> str:
    """The base URL without a slash at its end. Raises InsecureServer, BadAddress."""
    address = server.rstrip("/")
    try:
        parts = urlsplit(address)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        raise BadAddress(server) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAddress(server)
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InsecureServer(server)
    return address


def pauses(
    uniform: Callable[[float, float], float] = random.uniform, *, first: float = _FIRST_PAUSE
) -> Iterator[float]:
    """Growing pauses in seconds, without end, each between half and one and a half of its length:
    those who were cut off together do not come back together."""
    pause = first
    while True:
        yield pause * uniform(0.5, 1.5)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(endpoint: Endpoint, command: Command) -> tuple[str, Mapping[str, Any]]:
    """The path with its parameters filled in, and the fields that are left; None is left out."""
    fields: dict[str, Any] = msgspec.to_builtins(command)
    path = endpoint.path.format(**{name: fields.pop(name) for name in _parameters(endpoint.path)})
    return path, {name: value for name, value in fields.items() if value is not None}


@cache
def _parameters(path: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in string.Formatter().parse(path) if name)


def _pause_after(refusal: Refusal, pause: float) -> float | None:
    """How long to wait before asking again; None where that makes no sense, or would be long."""
    match refusal:
        case Unavailable():
            return pause
        case RateLimited(retry_after=seconds) if seconds <= SHORT_WAIT_SECONDS:
            return max(pause, float(seconds))
        case _:
            return None


async def _check(answer: aiohttp.ClientResponse) -> None:
    """Raises Refused, or BadAnswer where the refusal is none of this protocol."""
    if answer.status < 300:
        return
    if answer.method == "HEAD" and answer.status in _BODILESS:
        raise Refused(_BODILESS[answer.status])
    try:
        refusal = REFUSAL_DECODER.decode(await _read(answer))
    except UNREADABLE:
        raise BadAnswer(f"status {answer.status}") from None
    raise Refused(refusal)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Raises BadAnswer for more than any answer holds."""
    body = bytearray()
    async for block in answer.content.iter_chunked(_BLOCK_BYTES):
        body += block
        if len(body) > ANSWER_BYTES:
            raise BadAnswer(f"more than {ANSWER_BYTES} bytes")
    return bytes(body)


def _offset(answer: aiohttp.ClientResponse) -> int:
    text = answer.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise BadAnswer("no Upload-Offset")
    return int(text)


def _decode(body: bytes, result: type[R]) -> R:
    try:
        return _decoder(result).decode(body)
    except UNREADABLE as error:
        raise BadAnswer(str(error)) from None


@cache
def _decoder(result: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(result)


_BODILESS: Final[Mapping[int, Refusal]] = {
    refusal.status: refusal for refusal in (Unauthenticated(), NotFound("file"), Unavailable())
} | {HTTPStatus.LOCKED: Taken("upload")}
"""What the answer to HEAD means, which has no body to say so."""
_ANSWERING: Final = aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=CONNECT_SECONDS)
_STREAMING: Final = aiohttp.ClientTimeout(
    total=None, connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS
)
