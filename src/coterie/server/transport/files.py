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
from coterie.server.operations.access import Actor
from coterie.server.storage.blobs import Blobs, name_of
from coterie.server.storage.database import Database
from coterie.server.storage.tables import FileRecord
from coterie.server.transport.http import Authenticate, bearer

PATH: Final = PREFIX + "/files/{file_id}/content"
IDLE_SECONDS: Final = limits.MINUTE
READ_BYTES: Final = 256 * limits.KIB

_DOWNLOAD: Final = {
    hdrs.CONTENT_TYPE: "application/octet-stream",
    hdrs.CONTENT_DISPOSITION: "attachment",
}


class Contents:
    """The two routes' handlers."""

    def __init__(self, database: Database, blobs: Blobs, authenticate: Authenticate) -> None:
        self._database = database
        self._blobs = blobs
        self._authenticate = authenticate

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(PATH, self.put, expect_handler=_keep_waiting),
            web.get(PATH, self.get, allow_head=False),
        ]

    async def put(self, request: web.Request) -> web.Response:
        """Take the bytes of a reserved file. Everything is judged before the first is read."""
        actor = await self._authenticate(bearer(request))
        file_id = _file_id(request)
        await self._require_upload(actor, file_id)  # who may not upload it keeps nobody from it
        async with self._blobs.uploading(name_of(file_id)):
            file = await self._require_upload(actor, file_id)
            if request.content_length not in (None, file.size_bytes):
                raise Refused(Malformed("the file has another length than announced"))
            await _ask_for_body(request)
            await self._blobs.store(file.storage_path, file.size_bytes, _chunks(request))
            await self._finish(actor, file)
        return web.json_response(body=JSON_ENCODER.encode(Done()))

    async def get(self, request: web.Request) -> web.FileResponse:
        actor = await self._authenticate(bearer(request))
        async with self._database.transaction() as tx:
            file = await contents.require_download(tx, actor, _file_id(request))
        path = self._blobs.path(file.storage_path)
        return web.FileResponse(path, chunk_size=READ_BYTES, headers=_DOWNLOAD)

    async def _require_upload(self, actor: Actor, file_id: UUID) -> FileRecord:
        async with self._database.transaction() as tx:
            return await contents.require_upload(tx, actor, file_id)

    async def _finish(self, actor: Actor, file: FileRecord) -> None:
        try:
            async with self._database.transaction() as tx:
                await contents.finish_upload(tx, actor, file)
        except Refused as no:
            # Without an answer of the database the row may well say that the bytes are here.
            if isinstance(no.refusal, NotFound):
                await self._blobs.remove([file.storage_path])
            raise


def _file_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["file_id"])
    except ValueError:
        raise Refused(NotFound("file")) from None


async def _keep_waiting(_: web.Request) -> None:
    """Who asks first (`Expect: 100-continue`) is answered by `put`, when it has decided."""


async def _ask_for_body(request: web.Request) -> None:
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises Refused when it stops arriving."""
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await request.content.readany()
        except (TimeoutError, ConnectionError):
            raise Refused(Malformed("the upload stopped before its end")) from None
        if not chunk:
            return
        yield chunk
