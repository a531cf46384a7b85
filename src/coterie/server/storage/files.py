"""Files: who uploaded what to where. Their bytes are in `blobs`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import FileRecord
from coterie.server.storage.views import Upload, Uploads

PAGE: Final = 500


async def add_file(tx: Tx, file: FileRecord) -> bool:
    """False, and nothing written, when the id exists already."""
    written = await tx.run(
        """INSERT INTO files (id, conversation_id, direct_conversation_id, uploader_id, filename,
                              mime_type, size_bytes, storage_path, encryption_header)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING""",
        file.id,
        file.conversation_id,
        file.direct_conversation_id,
        file.uploader_id,
        file.filename,
        file.mime_type,
        file.size_bytes,
        file.storage_path,
        file.encryption_header,
    )
    return written == 1


async def get_file(tx: Tx, file_id: UUID) -> FileRecord | None:
    return await tx.one(FileRecord, "SELECT * FROM files WHERE id = $1", file_id)


async def lock_file(tx: Tx, file_id: UUID) -> FileRecord | None:
    """As it stays until COMMIT."""
    return await tx.one(FileRecord, "SELECT * FROM files WHERE id = $1 FOR NO KEY UPDATE", file_id)


async def count_bytes(tx: Tx, uploader_id: UUID) -> int:
    """How much somebody keeps here, reserved or uploaded."""
    found = await tx.value(
        int,
        "SELECT sum(size_bytes)::bigint FROM files WHERE uploader_id = $1",
        uploader_id,
    )
    return found or 0


async def set_received(tx: Tx, file_id: UUID, received_bytes: int) -> None:
    """So many bytes are on disk. The row is locked."""
    await tx.run("UPDATE files SET received_bytes = $2 WHERE id = $1", file_id, received_bytes)


async def set_uploaded(tx: Tx, file_id: UUID) -> None:
    """All bytes are on disk, under their name. The row is locked."""
    await tx.run(
        "UPDATE files SET received_bytes = size_bytes, uploaded_at = now() WHERE id = $1", file_id
    )


async def remove_unattached_file(tx: Tx, file_id: UUID) -> str | None:
    """The storage path of what was removed; None when the file is attached, or gone."""
    return await tx.value(
        str,
        "DELETE FROM files WHERE id = $1 AND message_id IS NULL RETURNING storage_path",
        file_id,
    )


async def remove_message_files(tx: Tx, message_id: int) -> list[str]:
    """The storage paths of what was removed."""
    paths = await tx.value(
        list[str],
        """WITH removed AS (DELETE FROM files WHERE message_id = $1 RETURNING storage_path)
           SELECT array_agg(storage_path) FROM removed""",
        message_id,
    )
    return paths or []


async def remove_group_files(tx: Tx, group_id: UUID) -> list[str]:
    """The storage paths of what was removed."""
    paths = await tx.value(
        list[str],
        """WITH removed AS (DELETE FROM files WHERE conversation_id = $1 RETURNING storage_path)
           SELECT array_agg(storage_path) FROM removed""",
        group_id,
    )
    return paths or []


async def remove_leftover_files(tx: Tx, seconds: int, limit: int) -> list[str]:
    """What was reserved more than `seconds` ago and never attached; the paths of what went."""
    paths = await tx.value(
        list[str],
        """WITH removed AS (
               DELETE FROM files WHERE id IN (
                   SELECT id FROM files WHERE message_id IS NULL
                     AND created_at < now() - make_interval(secs => $1) LIMIT $2
                   FOR UPDATE SKIP LOCKED)
               RETURNING storage_path)
           SELECT array_agg(storage_path) FROM removed""",
        seconds,
        limit,
    )
    return paths or []


async def get_message_seq(tx: Tx, file_id: UUID) -> int | None:
    """The sequence number of the message a file hangs on; None without one."""
    return await tx.value(
        int,
        """SELECT messages.seq FROM files JOIN messages ON messages.id = files.message_id
           WHERE files.id = $1 AND messages.deleted_at IS NULL""",
        file_id,
    )


async def list_known(tx: Tx, file_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these have a row."""
    found = await tx.value(
        list[UUID], "SELECT array_agg(id) FROM files WHERE id = ANY($1)", list(file_ids)
    )
    return set(found or ())


async def pages_of_uploads(tx: Tx) -> AsyncIterator[list[Upload]]:
    """The files whose bytes are here, in the order of their ids."""
    after = UUID(int=0)
    while page := await tx.all(
        Upload,
        """SELECT id, storage_path, size_bytes FROM files
           WHERE uploaded_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2""",
        after,
        PAGE,
    ):
        yield page
        after = page[-1].id


async def count_uploads(tx: Tx) -> Uploads:
    """How many files have their bytes here, and how many bytes that is."""
    found = await tx.one(
        Uploads,
        """SELECT count(*) AS files, coalesce(sum(size_bytes), 0)::bigint AS size_bytes
           FROM files WHERE uploaded_at IS NOT NULL""",
    )
    assert found is not None, "an aggregate has a row"  # noqa: S101
    return found


async def remove_files(tx: Tx, storage_paths: Sequence[str]) -> int:
    """Forget files whose bytes are gone."""
    return await tx.run("DELETE FROM files WHERE storage_path = ANY($1)", list(storage_paths))
