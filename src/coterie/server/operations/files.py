"""Files before and beside their bytes: reserved, discarded, found. Attaching is the message's."""

from datetime import UTC, datetime

from coterie.protocol import limits
from coterie.protocol.commands import DiscardFile, Done, FileReserved, ReserveFile
from coterie.protocol.errors import NotFound, QuotaExceeded, Refused, Taken, TooLarge
from coterie.protocol.roles import Action
from coterie.server.operations import access
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, files
from coterie.server.storage.blobs import name_of
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import BlobsDropped
from coterie.server.storage.tables import Conversation, FileRecord

MIME_TYPE = "application/octet-stream"
"""The true one travels inside the message."""


async def reserve_file(tx: Tx, actor: Actor, command: ReserveFile) -> FileReserved:
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.UPLOAD)
    if command.size_bytes > limits.FILE_BYTES:
        raise Refused(TooLarge("file", limits.FILE_BYTES))
    await accounts.lock_user(tx, actor.user_id)
    wanted = _record(actor, standing, command)
    existing = await files.get_file(tx, command.file_id)
    if existing is not None:
        return _reserved_before(existing, wanted)
    used = await files.count_bytes(tx, actor.user_id)
    if used + command.size_bytes > limits.QUOTA_BYTES:
        raise Refused(QuotaExceeded(limits.QUOTA_BYTES))
    if not await files.add_file(tx, wanted):
        raise Refused(Taken("file_id"))
    return FileReserved(file_id=wanted.id, uploaded=False)


def _record(actor: Actor, conversation: Conversation, command: ReserveFile) -> FileRecord:
    return FileRecord(
        id=command.file_id,
        conversation_id=conversation.group_id,
        message_id=None,
        uploader_id=actor.user_id,
        filename=command.filename,
        mime_type=MIME_TYPE,
        size_bytes=command.size_bytes,
        storage_path=name_of(command.file_id),
        encryption_header=command.encryption_header,
        created_at=datetime.now(UTC),
        uploaded_at=None,
        direct_conversation_id=conversation.id if conversation.group_id is None else None,
        received_bytes=0,
    )


def _reserved_before(existing: FileRecord, wanted: FileRecord) -> FileReserved:
    """The same request again; anything else under this id is refused."""
    same = all(
        getattr(existing, name) == getattr(wanted, name)
        for name in (
            "conversation_id",
            "direct_conversation_id",
            "uploader_id",
            "filename",
            "size_bytes",
            "encryption_header",
        )
    )
    if not same:
        raise Refused(Taken("file_id"))
    return FileReserved(file_id=existing.id, uploaded=existing.uploaded_at is not None)


async def discard_file(tx: Tx, actor: Actor, command: DiscardFile) -> Done:
    file = await files.get_file(tx, command.file_id)
    if file is None or file.uploader_id != actor.user_id:
        raise Refused(NotFound("file"))
    path = await files.remove_unattached_file(tx, file.id)
    if path is None:
        raise Refused(NotFound("unattached file"))
    tx.announce(BlobsDropped((path,)))
    return Done()
