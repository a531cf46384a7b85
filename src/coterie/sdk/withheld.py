"""Entries that come without their bytes, though the chain of hashes is right.

The server destroys the bytes of an edit when a newer one comes, and of edits and reactions when
their message is deleted. So one that is missing is missing for good reason only if such an entry
follows; until then it is on record.
"""

from coterie.protocol.commands import Entry
from coterie.protocol.header import EntryKind
from coterie.sdk.errors import LogBroken
from coterie.sdk.log import Log
from coterie.sdk.vault.messages import get_message, put_message
from coterie.sdk.vault.records import EDIT_WITHHELD, WithheldRecord

_DESTROYED = (EntryKind.EDIT, EntryKind.REACTION)


def note_withheld(log: Log, entry: Entry) -> None:
    """Raises LogBroken where nothing that may follow is a reason."""
    if entry.kind not in _DESTROYED or entry.message_id is None:
        raise LogBroken(f"entry {entry.seq} comes without its bytes")
    log.record.withheld += (WithheldRecord(entry.seq, entry.kind, entry.message_id),)
    message = get_message(log.tx, log.conversation_id, entry.message_id)
    if entry.kind is EntryKind.EDIT and message is not None and message.problem is None:
        message.problem, message.changed_seq = EDIT_WITHHELD, entry.seq
        put_message(log.tx, log.conversation_id, message)


def excuse(log: Log, by: Entry) -> None:
    """An edit gives reason for those before it to be missing, a deletion for all."""
    excused = _DESTROYED if by.kind is EntryKind.DELETION else (EntryKind.EDIT,)
    log.record.withheld = tuple(
        one
        for one in log.record.withheld
        if one.message_id != by.message_id or one.kind not in excused
    )
