"""Who may upload and download the bytes of a file."""

from uuid import UUID

from coterie.protocol.errors import NotFound, Refused, Taken
from coterie.protocol.roles import Action, may
from coterie.server.operations.access import Actor
from coterie.server.storage import conversations, files
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import FileRecord
from coterie.server.storage.views import Standing


async def require_upload(tx: Tx, actor: Actor, file_id: UUID) -> FileRecord:
    """A file that the actor has reserved and may still upload: once, as a participant."""
    file = await files.get_file(tx, file_id)
    if file is None or file.uploader_id != actor.user_id:
        raise Refused(NotFound("file"))
    await _require(tx, actor, file, Action.UPLOAD)
    if file.uploaded_at is not None:
        raise Refused(Taken("file"))
    return file


async def finish_upload(tx: Tx, actor: Actor, file: FileRecord) -> None:
    """The bytes of this reservation are on disk.

    Nothing of somebody who was removed meanwhile gets in, and nothing for another reservation that
    has taken the same id since: the quota counts by that one.
    """
    await conversations.lock_conversation(tx, _conversation_id(file))
    if await files.lock_file(tx, file.id) != file:
        raise Refused(NotFound("file"))
    await _require(tx, actor, file, Action.UPLOAD)
    await files.set_uploaded(tx, file.id)


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
