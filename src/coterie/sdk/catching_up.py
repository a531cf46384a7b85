"""Catching up with a conversation: pages of its log by cursor, each applied in one transaction."""

from uuid import UUID

from coterie.protocol.commands import Entries, ListEntries
from coterie.sdk.log import Log
from coterie.sdk.people import name_of
from coterie.sdk.profile import Profile
from coterie.sdk.replay import apply_entries
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.records import ConversationRecord, Standing


async def catch_up(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    """Apply all that the server has; where this device then stands.

    Raises Refused, LogBroken. Somebody no longer a member is not asked for again.
    """
    record = await profile.vault.read(lambda tx: _load(tx, profile, conversation_id).record)
    noted = record.removed_by_server
    more = record.standing is Standing.MEMBER
    while more:
        command = ListEntries(conversation_id=conversation_id, after=record.cursor)
        page = await profile.connection.call(command, Entries)
        record = await _apply(profile, conversation_id, page)
        more = page.more and record.standing is Standing.MEMBER
    for user_id in record.removed_by_server:
        if user_id not in noted:
            name = await profile.vault.read(lambda tx, who=user_id: name_of(tx, who))
            profile.warn(f"The server removed {name} or a device of theirs, and no member did.")
    return record


async def _apply(profile: Profile, conversation_id: UUID, page: Entries) -> ConversationRecord:
    def work(tx: Transaction) -> ConversationRecord:
        log = _load(tx, profile, conversation_id)
        apply_entries(log, page.entries, page.chain)
        return log.record

    if not page.entries:
        return await profile.vault.read(lambda tx: _load(tx, profile, conversation_id).record)
    return await profile.vault.write(work)


def _load(tx: Transaction, profile: Profile, conversation_id: UUID) -> Log:
    return Log.load(tx, profile.account, conversation_id)
