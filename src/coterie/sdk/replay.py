"""Applying a conversation's log, entry by entry, in one transaction.

Order, hashes and chain are judged here; what an entry says, in `entries`, `epochs` and `heads`.
"""

from collections.abc import Sequence

from coterie.governance.signatures import hash_of
from coterie.protocol.commands import Entry
from coterie.protocol.header import EntryKind
from coterie.sdk.entries import (
    apply_deletion,
    apply_edit,
    apply_message,
    apply_pin,
    apply_reaction,
)
from coterie.sdk.epochs import apply_commit, apply_statement
from coterie.sdk.errors import LogBroken
from coterie.sdk.heads import check_waiting_heads
from coterie.sdk.log import Log
from coterie.sdk.vault.records import Standing
from coterie.sdk.withheld import note_withheld


def apply_entries(log: Log, entries: Sequence[Entry], chain: bytes) -> None:
    """Apply those that follow the cursor; `chain` is the server's chain value at the last one.

    Another process may have applied some already: they are passed over. Raises LogBroken, and
    then nothing of them holds.
    """
    for entry in entries:
        if entry.seq <= log.record.cursor:
            continue
        if log.record.standing is not Standing.MEMBER:
            break
        _apply(log, entry)
    else:
        _check_chain(log, entries, chain)
    check_waiting_heads(log)
    log.save()


def _apply(log: Log, entry: Entry) -> None:
    if entry.seq != log.record.cursor + 1:
        raise LogBroken(f"entry {log.record.cursor + 1} is missing")
    if entry.content is not None and hash_of(entry.content) != entry.hash:
        raise LogBroken(f"entry {entry.seq} is not the one its hash names")
    match entry.kind:
        case EntryKind.COMMIT:
            apply_commit(log, entry)
        case EntryKind.STATEMENT:
            apply_statement(log, entry)
        case EntryKind.MESSAGE:
            apply_message(log, entry)
        case _ if entry.content is None:
            note_withheld(log, entry)
        case EntryKind.EDIT:
            apply_edit(log, entry)
        case EntryKind.DELETION:
            apply_deletion(log, entry)
        case EntryKind.REACTION:
            apply_reaction(log, entry)
        case EntryKind.PIN:
            apply_pin(log, entry)
    if log.record.standing is not Standing.HALTED:
        log.step(entry.seq, entry.hash)


def _check_chain(log: Log, entries: Sequence[Entry], chain: bytes) -> None:
    ends_here = not entries or entries[-1].seq == log.record.cursor
    if ends_here and log.record.link != chain:
        raise LogBroken(f"the chain of hashes ends differently at entry {log.record.cursor}")
