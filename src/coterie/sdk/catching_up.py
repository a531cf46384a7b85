"""Catching up with a conversation: pages of its log by cursor, each applied in one transaction."""

from contextlib import suppress
from uuid import UUID

from coterie.protocol.commands import Entries, ListEntries
from coterie.protocol.errors import Refused
from coterie.sdk.errors import BadAnswer, LogBroken, LogRewound, ServerUnreachable
from coterie.sdk.log import Log
from coterie.sdk.people import name_of, target_of
from coterie.sdk.profile import Profile
from coterie.sdk.replay import apply_entries
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.messages import list_messages
from coterie.sdk.vault.records import ConversationRecord, Standing


async def catch_up(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    """Apply all that the server has; where this device then stands.

    Raises Refused, LogBroken, LogRewound. Somebody no longer a member is not asked for again.
    """
    record = await profile.vault.read(lambda tx: _load(tx, profile, conversation_id).record)
    noted, withheld = record.removed_by_server, record.withheld
    more = record.standing is Standing.MEMBER
    while more:
        command = ListEntries(conversation_id=conversation_id, after=record.cursor)
        page = await profile.connection.call(command, Entries)
        try:
            record = await _apply(profile, record, page)
        except LogBroken:
            with suppress(BadAnswer, Refused, ServerUnreachable):  # else the log is just broken
                await _require_known(profile, record)
            raise
        more = page.more and record.standing is Standing.MEMBER
    for who in record.removed_by_server:
        if who not in noted:
            name = await profile.vault.read(lambda tx, who=who: name_of(tx, who))
            profile.warn(f"The server removed {name} or a device of theirs, and no member did.")
    for one in record.withheld:
        if one not in withheld:
            what = f"{one.kind.name.lower()}, message #{one.message_id}"
            profile.warn(f"The server withholds an entry ({what}). Ask others what they see.")
    return record


async def _require_known(profile: Profile, record: ConversationRecord) -> None:
    """That the server still knows the last entry this device has seen. Raises LogRewound."""
    command = ListEntries(
        conversation_id=record.conversation_id, after=max(record.cursor - 1, 0), limit=1
    )
    page = await profile.connection.call(command, Entries)
    if record.cursor and page.chain != record.link:
        raise await profile.vault.read(lambda tx: _rewound(tx, record))


def _rewound(tx: Transaction, record: ConversationRecord) -> LogRewound:
    newest = list_messages(tx, record.conversation_id, record.cursor + 1, 1)
    return LogRewound(
        target_of(tx, record), record.cursor, newest[-1].created_at if newest else None
    )


async def _apply(profile: Profile, before: ConversationRecord, page: Entries) -> ConversationRecord:
    """What follows where this device stood when it asked. An empty page tells the chain there: of
    a log that is shorter by now, another. Raises LogBroken, LogRewound."""
    conversation_id = before.conversation_id

    def work(tx: Transaction) -> ConversationRecord:
        log = _load(tx, profile, conversation_id)
        apply_entries(log, page.entries, page.chain)
        return log.record

    if not page.entries:
        if page.chain != before.link:
            raise await profile.vault.read(lambda tx: _rewound(tx, before))
        return await profile.vault.read(lambda tx: _load(tx, profile, conversation_id).record)
    return await profile.vault.write(work)


def _load(tx: Transaction, profile: Profile, conversation_id: UUID) -> Log:
    return Log.load(tx, profile.account, conversation_id)
