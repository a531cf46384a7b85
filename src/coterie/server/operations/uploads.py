"""The bytes of a file on their way in: judged, then kept, counted, and at the end named.

How many are kept stands in the row (`received_bytes`), and only once they are durable; an upload
that was cut off, on either side, goes on from there.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from coterie.protocol.errors import Malformed, NotFound, Refused, Taken
from coterie.server.operations import contents
from coterie.server.operations.access import Actor
from coterie.server.storage.blobs import Blobs, name_of
from coterie.server.storage.database import Database, Tx
from coterie.server.storage.tables import FileRecord


class Upload:
    """The upload of one file, while nobody else can write to it. `offset`: what is kept of it."""

    def __init__(
        self, database: Database, blobs: Blobs, actor: Actor, file: FileRecord, offset: int
    ) -> None:
        self.offset = offset
        self.size_bytes = file.size_bytes
        self._database = database
        self._blobs = blobs
        self._actor = actor
        self._file = file

    @property
    def is_uploaded(self) -> bool:
        return self._file.uploaded_at is not None

    async def append(self, chunks: AsyncIterator[bytes]) -> None:
        """Keep what arrives, also when it is cut off before the end. Raises Refused."""
        if self.offset < self.size_bytes:
            await self._count(self.offset)
            await self._count(await self._store(self.offset, chunks))
        await self.finish()

    async def replace(self, chunks: AsyncIterator[bytes]) -> None:
        """Take the whole file, from its beginning. Of what failed nothing is kept.

        Raises Refused.
        """
        if self.is_uploaded:
            raise Refused(Taken("file"))
        await self._count(0)
        try:
            self.offset = await self._store(0, chunks)
            if self.offset < self.size_bytes:
                raise Refused(Malformed("the file is shorter than announced"))
        except BaseException:
            await self._blobs.abandon(self._file.storage_path)
            raise
        await self.finish()

    async def finish(self) -> None:
        """Once all of it is kept: the name first, then the row, which may be downloaded."""
        if self.offset < self.size_bytes or self.is_uploaded:
            return
        await self._blobs.publish(self._file.storage_path)
        await self._write(lambda tx: contents.finish_upload(tx, self._actor, self._file))

    async def _store(self, offset: int, chunks: AsyncIterator[bytes]) -> int:
        return await self._blobs.append(self._file.storage_path, offset, self.size_bytes, chunks)

    async def _count(self, offset: int) -> None:
        """Record what is durable, before anything else is written or told."""
        if offset != self._file.received_bytes:
            self._file = await self._write(
                lambda tx: contents.count_received(tx, self._file, offset)
            )
        self.offset = offset

    async def _write(self, operation: Callable[[Tx], Awaitable[FileRecord]]) -> FileRecord:
        try:
            async with self._database.transaction() as tx:
                return await operation(tx)
        except Refused as no:
            # Without an answer of the database the row may well say that the bytes are here.
            if isinstance(no.refusal, NotFound):
                await self._blobs.remove([self._file.storage_path])
            raise


class Uploads:
    """Where uploads begin, and go on."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    @asynccontextmanager
    async def begin(self, actor: Actor, file_id: UUID) -> AsyncGenerator[Upload]:
        """The one upload of a file that the actor has reserved.

        Raises Refused(NotFound), and Refused(Taken) beside another.
        """
        await self._require(actor, file_id)  # who may not upload it keeps nobody from it
        async with self._blobs.uploading(name_of(file_id)):
            file = await self._require(actor, file_id)
            yield Upload(self._database, self._blobs, actor, file, await self._kept(file))

    async def progress(self, actor: Actor, file_id: UUID) -> tuple[int, int]:
        """How much is kept of how much. All is said of what is uploaded only. Raises Refused."""
        file = await self._require(actor, file_id)
        kept = await self._kept(file)
        if kept == file.size_bytes and file.uploaded_at is None:  # the server died before its end
            async with self.begin(actor, file_id) as upload:
                await upload.finish()
                kept = upload.offset
        return kept, file.size_bytes

    async def _require(self, actor: Actor, file_id: UUID) -> FileRecord:
        async with self._database.transaction() as tx:
            return await contents.require_upload(tx, actor, file_id)

    async def _kept(self, file: FileRecord) -> int:
        if file.uploaded_at is not None:
            return file.size_bytes
        return await self._blobs.kept(file.storage_path, file.received_bytes, file.size_bytes)
