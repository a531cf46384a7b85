"""Files on their way out and in."""

from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

from coterie.protocol.commands import DiscardFile, Done, FileReserved, ReserveFile
from coterie.protocol.errors import Refused
from coterie.protocol.limits import FILES_PER_MESSAGE
from coterie.sdk import transfers
from coterie.sdk.errors import BadInput, NotFoundHere, ServerUnreachable
from coterie.sdk.files import FileInfo, SealedFile, open_file, size_of
from coterie.sdk.profile import Profile
from coterie.sdk.vault.messages import get_message_by_file

Progress = Callable[[str, int, int], None]
"""Told the name of the file, the bytes that have passed, and how many there are."""


async def upload_all(
    profile: Profile, conversation_id: UUID, paths: Sequence[Path], progress: Progress | None
) -> tuple[FileInfo, ...]:
    """One after the other, once all are known to fit. Raises Refused, OSError, ClientError."""
    if len(paths) > FILES_PER_MESSAGE:
        raise BadInput(f"A message takes at most {FILES_PER_MESSAGE} files.")
    for path in paths:
        size_of(path)
    return tuple([await _upload(profile, conversation_id, path, progress) for path in paths])


async def discard_all(profile: Profile, files: Sequence[FileInfo]) -> None:
    """Give back the room of files that no message will name; the server would in a day."""
    for file in files:
        await _discard(profile, file.file_id)


async def download(
    profile: Profile,
    conversation_id: UUID,
    file_id: UUID,
    out: Path | None,
    progress: Progress | None,
) -> Path:
    """Write a file that some message brought. Raises NotFoundHere, FileDamaged, OSError."""
    message = await profile.vault.read(lambda tx: get_message_by_file(tx, conversation_id, file_id))
    found = [] if message is None else [one for one in message.files if one.file_id == file_id]
    if not found:
        raise NotFoundHere("No message here has such a file.")
    info = found[0]
    async with aclosing(transfers.download(profile.connection, file_id)) as blocks:
        return await open_file(info, blocks, out, _told(progress, info.name, info.size_bytes))


async def _upload(
    profile: Profile, conversation_id: UUID, path: Path, progress: Progress | None
) -> FileInfo:
    file = SealedFile(path)
    command = ReserveFile(
        conversation_id=conversation_id,
        file_id=file.file_id,
        filename=file.filename,
        size_bytes=file.sealed_bytes,
        encryption_header=file.encryption_header,
    )
    await profile.connection.call(command, FileReserved)
    told = _told(progress, file.name, file.sealed_bytes)
    try:
        await transfers.upload(profile.connection, file, told)
    except ServerUnreachable:
        raise  # it would not hear of it; it lets go of the file by itself
    except Exception:
        await _discard(profile, file.file_id)
        raise
    return file.info()


async def _discard(profile: Profile, file_id: UUID) -> None:
    with suppress(Refused, ServerUnreachable):
        await profile.connection.call(DiscardFile(file_id=file_id), Done)


def _told(progress: Progress | None, name: str, total: int) -> Callable[[int], None] | None:
    """The sealed bytes that passed, as a share of `total` (padding never shows)."""
    if progress is None:
        return None
    return lambda done: progress(name, min(done, total), total)
