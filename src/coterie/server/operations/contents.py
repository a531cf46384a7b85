"""Who may upload and download the bytes of a file."""

from uuid import UUID

from msgspec import structs

from coterie.protocol.errors import NotFound, Refused, Taken
from coterie.protocol.roles import Action, may
from coterie.server.operations.access import Actor
from coterie.server.storage import conversations, files
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import FileRecord
from coterie.server.storage.views import Standing


async def require_upload(tx: Tx, actor: Actor, file_id: UUID) -> FileRecord:
    """A file that the actor has reserved and uploads, or has uploaded, as a participant."""
    file = await files.get_file(tx, file_id)
    if file is None or file.uploader_id != actor.user_id:
        raise Refused(NotFound("file"))
    await _require(tx, actor, file, Action.UPLOAD)
    return file


async def count_received(tx: Tx, file: FileRecord, received_bytes: int) -> FileRecord:
    """So many bytes of this reservation are on disk."""
    found = await _locked(tx, file)
    if found.uploaded_at is not None:
        raise Refused(Taken("file"))
    await files.set_received(tx, file.id, received_bytes)
    return structs.replace(found, received_bytes=received_bytes)


async def finish_upload(tx: Tx, actor: Actor, file: FileRecord) -> FileRecord:
    """All bytes of this reservation are on disk. Twice is once: a first answer may be lost.

    Nothing of somebody who was removed meanwhile gets in, and nothing for another reservation that
    has taken the same id since: the quota counts by that one.
    """
    await conversations.lock_conversation(tx, _conversation_id(file))
    found = await _locked(tx, file)
    await _require(tx, actor, file, Action.UPLOAD)
    if found.uploaded_at is None:
        await files.set_uploaded(tx, file.id)
    return found


async def _locked(tx: Tx, file: FileRecord) -> FileRecord:
    """The same reservation, as it is now; compared in all that an upload does not change."""
    found = await files.lock_file(tx, file.id)
    if found is None or file != structs.replace(
        found, received_bytes=file.received_bytes, uploaded_at=file.uploaded_at
    ):
        raise Refused(NotFound("file"))
    return found


async def require_download(tx: Tx, actor: Actor, file_id: UUID) -> FileRecord:
    """A complete file of a message that the actor may read, or one's own not yet sent."""
    file = await files.get_file(tx, file_id)
    if file is None or file.uploaded_at is None:
        raise Refused(NotFound("file"))
    standing = await _require(tx, actor, file, Action.READ)
    seq = await files.get_message_seq(tx, file_id)
    readable = file.uploader_id == actor.user_id if seq is None else seq >= standing.joined_seq
    if not readable:
        raise Refused(NotFound("file"))
    return file


async def _require(tx: Tx, actor: Actor, file: FileRecord, action: Action) -> Standing:
    standing = await conversations.get_standing(tx, _conversation_id(file), actor.user_id)
    if standing is None or not may(standing.role, action, standing.inviters):
        raise Refused(NotFound("file"))
    return standing


def _conversation_id(file: FileRecord) -> UUID:
    conversation_id = file.conversation_id or file.direct_conversation_id
    if conversation_id is None:
        raise Refused(NotFound("file"))
    return conversation_id
