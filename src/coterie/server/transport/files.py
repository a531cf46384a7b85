"""`PUT` and `GET /api/v1/files/{file_id}/content`: streams of ciphertext, never held in memory."""

import asyncio
from collections.abc import AsyncIterator
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
from coterie.server.transport.http import Authenticate, bearer

PATH: Final = PREFIX + "/files/{file_id}/content"
READ_BYTES: Final = 256 * limits.KIB

_DOWNLOAD: Final = {
    hdrs.CONTENT_TYPE: "application/octet-stream",
    hdrs.CONTENT_DISPOSITION: "attachment",
}


class Contents:
    """The two routes' handlers."""

    def __init__(
        self, database: Database, blobs: Blobs, uploads: Uploads, authenticate: Authenticate
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._uploads = uploads
        self._authenticate = authenticate

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(PATH, self.put, expect_handler=keep_waiting),
            web.get(PATH, self.get, allow_head=False),
        ]

    async def put(self, request: web.Request) -> web.Response:
        """Take the bytes of a reserved file. Everything is judged before the first is read."""
        actor = await self._authenticate(bearer(request))
        async with self._uploads.begin(actor, file_id_of(request)) as upload:
            if request.content_length not in (None, upload.size_bytes):
                raise Refused(Malformed("the file has another length than announced"))
            await upload.replace(body_of(request))
        return web.json_response(body=JSON_ENCODER.encode(Done()))

    async def get(self, request: web.Request) -> web.FileResponse:
        """The bytes of a file, or of what is asked for of it (RFC 9110 §14)."""
        actor = await self._authenticate(bearer(request))
        async with self._database.transaction() as tx:
            file = await contents.require_download(tx, actor, file_id_of(request))
        path = self._blobs.path(file.storage_path)
        return web.FileResponse(path, chunk_size=READ_BYTES, headers=_DOWNLOAD)


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
    try:
        async with asyncio.timeout(limits.UPLOAD_IDLE_SECONDS):
            return await request.content.readany()
    except (TimeoutError, ConnectionError):
        return b""
