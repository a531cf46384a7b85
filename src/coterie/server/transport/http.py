"""HTTP in, HTTP out: one route per command. Decode, authenticate, dispatch, encode."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from coterie.protocol import limits
from coterie.protocol.api import API, PREFIX, Endpoint
from coterie.protocol.codec import JSON_ENCODER, MSGPACK_ENCODER, UNREADABLE
from coterie.protocol.commands import Command
from coterie.protocol.errors import (
    Malformed,
    NotFound,
    RateLimited,
    Refusal,
    Refused,
    SlowMode,
    TooLarge,
    Unauthenticated,
    Unavailable,
    code_of,
)
from coterie.server.metrics import REFUSALS
from coterie.server.operations.access import Actor
from coterie.server.operations.dispatch import Dispatch
from coterie.server.operations.turns import Turns
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.incidents import incident_of

BODY_SECONDS: Final = 60
PUBLIC_BODY_BYTES: Final = 64 * limits.KIB
JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"

SECURITY_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Identify = Callable[[web.Request], Awaitable[Actor]]
"""Whose request it is. Raises Refused(Unauthenticated, RateLimited)."""
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Commands:
    """The routes of `protocol.api`. No body is read before it is its turn."""

    def __init__(
        self, dispatch: Dispatch, identify: Identify, turns: Turns, addresses: Addresses
    ) -> None:
        self._dispatch = dispatch
        self._identify = identify
        self._turns = turns
        self._addresses = addresses

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route(endpoint.method, PREFIX + endpoint.path, self._answer(endpoint))
            for endpoint in API
        ]

    def _answer(self, endpoint: Endpoint) -> Answer:
        async def answer(request: web.Request) -> web.Response:
            if endpoint.public:
                address = self._addresses.of(request)
                async with self._turns.of(address):
                    command = await _decode(request, endpoint, PUBLIC_BODY_BYTES)
                    return _reply(request, await self._dispatch.ask_in_public(address, command))
            actor = await self._identify(request)
            async with self._turns.of(actor.user_id.int):
                command = await _decode(request, endpoint, limits.BODY_BYTES)
                return _reply(request, await self._dispatch.ask(actor, command))

        return answer


async def _decode(request: web.Request, endpoint: Endpoint, most: int) -> Command:
    """The command: path and body, or for GET and DELETE path and query."""
    in_query = endpoint.method in (hdrs.METH_GET, hdrs.METH_DELETE)
    fields = _query(request) if in_query else _fields(request, await _body(request, most))
    if not fields.keys().isdisjoint(request.match_info):
        raise Refused(Malformed("what stands in the path stands there alone"))
    try:
        return msgspec.convert(fields | request.match_info, endpoint.command, strict=not in_query)
    except msgspec.ValidationError as error:
        raise Refused(Malformed(str(error))) from None


def _query(request: web.Request) -> dict[str, Any]:
    fields = dict(request.query)
    if len(fields) != len(request.query):
        raise Refused(Malformed("a parameter stands twice"))
    return fields


async def _body(request: web.Request, most: int) -> bytes:
    """Raises Refused(TooLarge), and Refused(Malformed) for one that does not arrive."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise Refused(TooLarge("request", most))
    except TimeoutError:
        raise Refused(Malformed("the request did not arrive in time")) from None
    return bytes(body)


def _fields(request: web.Request, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    decode = msgspec.msgpack.decode if request.content_type == MSGPACK else msgspec.json.decode
    try:
        return decode(body, type=dict[str, Any])
    except UNREADABLE as error:
        raise Refused(Malformed(str(error))) from None


def _reply(request: web.Request, result: msgspec.Struct, status: int = 200) -> web.Response:
    """In JSON, unless msgpack is what is asked for."""
    if MSGPACK in request.headers.get(hdrs.ACCEPT, ""):
        body, content_type = MSGPACK_ENCODER.encode(result), MSGPACK
    else:
        body, content_type = JSON_ENCODER.encode(result), JSON
    return web.Response(body=body, status=status, content_type=content_type)


# --- refusals


@web.middleware
async def refuse(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Whatever goes wrong is a refusal in JSON. An unexpected error is logged by its incident."""
    try:
        return await handler(request)
    except Refused as no:
        return refusal_response(request, no.refusal)
    except web.HTTPException as error:
        return _of_framework(request, error)
    except ConnectionError:
        raise  # the other side has gone: there is nobody to answer
    except Exception as error:
        return refusal_response(request, incident_of(error))


def refusal_response(request: web.Request, refusal: Refusal) -> web.Response:
    REFUSALS.add(code_of(refusal))
    response = _reply(request, refusal, refusal.status)
    match refusal:
        case RateLimited(retry_after=seconds) | SlowMode(retry_after=seconds):
            response.headers[hdrs.RETRY_AFTER] = str(seconds)
        case Unavailable():
            response.headers[hdrs.RETRY_AFTER] = "1"
        case Unauthenticated():
            response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
        case _:
            pass
    return response


def _of_framework(request: web.Request, error: web.HTTPException) -> web.Response:
    """No such route, no such method, or something wrong with the request itself."""
    if isinstance(error, web.HTTPNotFound):
        return refusal_response(request, NotFound("address"))
    REFUSALS.add(code_of(Malformed("")))
    response = _reply(request, Malformed(error.reason), error.status)
    if allowed := error.headers.get(hdrs.ALLOW):
        response.headers[hdrs.ALLOW] = allowed
    return response


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Headers of every answer; what it is served with is nobody's business."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "coterie"
