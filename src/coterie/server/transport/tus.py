"""tus 1.0 (https://tus.io/protocols/resumable-upload): an upload goes on where it was cut off.

Creation is `ReserveFile` in tus's words, termination is `DiscardFile`; the core speaks to the same
address as `PUT` and `GET` do.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.commands import Command, DiscardFile, ReserveFile
from coterie.protocol.errors import Malformed, OffsetStale, Refused, Taken
from coterie.server.operations.access import Actor
from coterie.server.operations.uploads import Upload, Uploads
from coterie.server.transport.files import PATH, body_of, file_id_of, keep_waiting
from coterie.server.transport.http import Answer, Identify, refusal_response

FILES: Final = PREFIX + "/files"
VERSION: Final = "1.0.0"
RESUMABLE: Final = "Tus-Resumable"
OFFSET: Final = "Upload-Offset"
LENGTH: Final = "Upload-Length"
METADATA: Final = "Upload-Metadata"
PIECE: Final = "application/offset+octet-stream"
LOCKED: Final = 423
DIGITS: Final = 15

ABILITIES: Final = {
    RESUMABLE: VERSION,
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,termination",
    "Tus-Max-Size": str(limits.FILE_BYTES),
}

Ask = Callable[[Actor, Command], Awaitable[Any]]


class Tus:
    """The handlers of tus's routes."""

    def __init__(self, uploads: Uploads, identify: Identify, ask: Ask) -> None:
        self._uploads = uploads
        self._identify = identify
        self._ask = ask

    def routes(self) -> list[web.RouteDef]:
        return [
            web.options(FILES, tell_abilities),
            web.options(PATH, tell_abilities),
            web.post(FILES, _in_tus(self.create)),
            web.head(PATH, _in_tus(self.head)),
            web.patch(PATH, _in_tus(self.patch), expect_handler=keep_waiting),
            web.delete(PATH, _in_tus(self.delete)),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Extension *creation*: the fields of `ReserveFile`, as metadata."""
        actor = await self._identify(request)
        command = _reservation(request)
        await self._ask(actor, command)
        place = PATH.format(file_id=command.file_id)
        return web.Response(status=201, headers={hdrs.LOCATION: place})

    async def head(self, request: web.Request) -> web.Response:
        """Core protocol, *HEAD*: how much is here."""
        actor = await self._identify(request)
        offset, size_bytes = await self._uploads.progress(actor, file_id_of(request))
        return web.Response(headers={OFFSET: str(offset), LENGTH: str(size_bytes)})

    async def patch(self, request: web.Request) -> web.Response:
        """Core protocol, *PATCH*: more of it. Everything is judged before the first byte is read.

        What arrives is kept, even if the rest does not.
        """
        actor = await self._identify(request)
        if request.content_type != PIECE:
            raise web.HTTPUnsupportedMediaType
        async with self._uploads.begin(actor, file_id_of(request)) as upload:
            _require_fitting(request, upload)
            await upload.append(body_of(request))
        return web.Response(status=204, headers={OFFSET: str(upload.offset)})

    async def delete(self, request: web.Request) -> web.Response:
        """Extension *termination*."""
        actor = await self._identify(request)
        await self._ask(actor, DiscardFile(file_id=file_id_of(request)))
        return web.Response(status=204)


async def tell_abilities(_: web.Request) -> web.Response:
    """Core protocol, *OPTIONS*."""
    return web.Response(status=204, headers=ABILITIES)


def _in_tus(answer: Answer) -> Answer:
    """An answer with the version, and with the statuses that tus has of its own."""

    async def answer_in_tus(request: web.Request) -> web.StreamResponse:
        if request.headers.get(RESUMABLE) != VERSION:
            response = refusal_response(request, Malformed(f"this is tus {VERSION}"))
            response.set_status(412)
            response.headers["Tus-Version"] = VERSION
        else:
            response = await _answered(request, answer)
        response.headers[RESUMABLE] = VERSION
        return response

    return answer_in_tus


async def _answered(request: web.Request, answer: Answer) -> web.StreamResponse:
    try:
        return await answer(request)
    except Refused as no:
        response = refusal_response(request, no.refusal)
        if no.refusal == Taken("upload"):
            response.set_status(LOCKED)
        return response


def _require_fitting(request: web.Request, upload: Upload) -> None:
    """Raises Refused for another offset, and for more than is missing."""
    if _number(request, OFFSET) != upload.offset:
        raise Refused(OffsetStale(upload.offset))
    if upload.offset + (request.content_length or 0) > upload.size_bytes:
        raise Refused(Malformed("the file is longer than announced"))


def _reservation(request: web.Request) -> ReserveFile:
    metadata = _metadata(request.headers.get(METADATA, ""))
    try:
        fields = {
            "size_bytes": _number(request, LENGTH),
            "encryption_header": metadata["encryption_header"],  # JSON writes bytes so, too
            **{
                name: b64decode(metadata[name], validate=True).decode()
                for name in ("conversation_id", "file_id", "filename")
            },
        }
        return msgspec.convert(fields, ReserveFile)
    except KeyError as missing:
        raise Refused(Malformed(f"{METADATA} lacks {missing}")) from None
    except (Error, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Refused(Malformed(str(error))) from None


def _metadata(header: str) -> dict[str, str]:
    """Keys to their values in base64."""
    pairs = (pair.split() for pair in header.split(","))
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise Refused(Malformed(f"{name} is no number of bytes"))
    return int(text)
