"""`PUT` and `GET /api/v1/files/{file_id}/content`: streams of ciphertext, never held in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from coterie.protocol import limits
from coterie.protocol.api import PREFIX
from coterie.protocol.codec import JSON_ENCODER
from coterie.protocol.commands import Done
from coterie.protocol.errors import Malformed, NotFound, Refused
from coterie.server.operations import contents
from coterie.server.operations.uploads import Uploads
from coterie.server.storage.blobs import Blobs
from coterie.server.storage.database import Database
from coterie.server.storage.shelves import Read
from coterie.server.transport.http import Identify

PATH: Final = PREFIX + "/files/{file_id}/content"
READ_BYTES: Final = 256 * limits.KIB

_DOWNLOAD: Final = {
    hdrs.CONTENT_TYPE: "application/octet-stream",
    hdrs.CONTENT_DISPOSITION: "attachment",
}


class Contents:
    """The two routes' handlers."""

    def __init__(
        self, database: Database, blobs: Blobs, uploads: Uploads, identify: Identify
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._uploads = uploads
        self._identify = identify

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(PATH, self.put, expect_handler=keep_waiting),
            web.get(PATH, self.get, allow_head=False),
        ]

    async def put(self, request: web.Request) -> web.Response:
        """Take the bytes of a reserved file. Everything is judged before the first is read."""
        actor = await self._identify(request)
        async with self._uploads.begin(actor, file_id_of(request)) as upload:
            if request.content_length not in (None, upload.size_bytes):
                raise Refused(Malformed("the file has another length than announced"))
            await upload.replace(body_of(request))
        return web.json_response(body=JSON_ENCODER.encode(Done()))

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a file, or of what is asked for of it (RFC 9110 §14)."""
        actor = await self._identify(request)
        async with self._database.transaction() as tx:
            file = await contents.require_download(tx, actor, file_id_of(request))
        source = self._blobs.source(file.storage_path)
        if isinstance(source, Path):
            return web.FileResponse(source, chunk_size=READ_BYTES, headers=_DOWNLOAD)
        return await _pass_on(request, source, file.size_bytes)


async def _pass_on(request: web.Request, read: Read, size: int) -> web.StreamResponse:
    """What is read elsewhere, as it comes: the next piece only when the last one is on its way."""
    span = _span(request, size)
    if span is None:
        return web.Response(status=416, headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    response = web.StreamResponse(status=200, headers=_DOWNLOAD)
    response.headers[hdrs.ACCEPT_RANGES] = "bytes"
    response.content_length = len(span)
    if len(span) < size:
        response.set_status(206)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {span.start}-{span.stop - 1}/{size}"
    async with aclosing(read(span)) as pieces:
        first = await anext(pieces)  # while a refusal can still be told
        await response.prepare(request)
        await response.write(first)
        try:
            async for piece in pieces:
                await response.write(piece)
        except Refused:
            if request.transport:
                request.transport.abort()  # an end before the end: whoever reads goes on from there
            raise ConnectionAbortedError from None
    return response


def _span(request: web.Request, size: int) -> range | None:
    """The bytes that are asked for; None where there are none of these. With a condition that
    nothing here can meet (`If-Range`), all are."""
    try:
        asked = slice(None) if hdrs.IF_RANGE in request.headers else request.http_range
    except ValueError:
        return None
    return range(*asked.indices(size)) or None


def file_id_of(request: web.Request) -> UUID:
    """Raises Refused(NotFound)."""
    try:
        return UUID(request.match_info["file_id"])
    except ValueError:
        raise Refused(NotFound("file")) from None


async def keep_waiting(_: web.Request) -> None:
    """Who asks first (`Expect: 100-continue`) is answered by `body_of`, when all is judged."""


async def body_of(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it arrives, from when it is first asked for. It ends when it is cut off."""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while chunk := await _next_chunk(request):
        yield chunk


async def _next_chunk(request: web.Request) -> bytes:
    chunk, more = b"", True
    try:
        async with asyncio.timeout(limits.UPLOAD_IDLE_SECONDS):
            while more and not chunk:
                chunk, more = await request.content.readchunk()
    except (TimeoutError, ConnectionError):
        pass
    return chunk
