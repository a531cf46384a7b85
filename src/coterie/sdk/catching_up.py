"""Catching up with a conversation: pages of its log by cursor, each applied in one transaction."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from coterie.governance.state import GroupState
from coterie.protocol.commands import (
    Entries,
    ListEntries,
    ListNewEntries,
    NewEntries,
    ReadCursor,
)
from coterie.protocol.errors import Refused
from coterie.protocol.roles import History, Inviters
from coterie.sdk.errors import BadAnswer, LogBroken, LogRewound, ServerUnreachable
from coterie.sdk.log import Log
from coterie.sdk.people import name_of, seated, target_of
from coterie.sdk.pins import learn_names, learn_names_of_gone
from coterie.sdk.profile import Profile
from coterie.sdk.replay import apply_entries
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation
from coterie.sdk.vault.messages import list_messages
from coterie.sdk.vault.records import ConversationRecord, Principal, Standing

_INVITERS: Final = {
    Inviters.MODERATORS: "moderators and above",
    Inviters.MEMBERS: "all members",
}
_HISTORY: Final = {
    History.SINCE_JOIN: "what is said from then on",
    History.ALL: "all that was said before",
}


class Ahead(NamedTuple):
    """A page that was asked for already: what follows entry `after`."""

    after: int
    page: Entries


async def catch_up(
    profile: Profile, conversation_id: UUID, ahead: Ahead | None = None
) -> ConversationRecord:
    """Apply all that the server has; where this device then stands.

    Raises Refused, LogBroken, LogRewound. Somebody no longer a member is not asked for again.
    """
    before, met = await profile.vault.read(lambda tx: _start(tx, profile, conversation_id))
    record = before
    more = record.standing is Standing.MEMBER
    while more:
        page, ahead = await _next_page(profile, record, ahead), None  # it is applied once
        try:
            record, came = await _apply(profile, record, page)
            met |= came
        except LogBroken:
            with suppress(BadAnswer, Refused, ServerUnreachable):  # else the log is just broken
                await _require_known(profile, record)
            raise
        more = page.more and record.standing is Standing.MEMBER
    if record.epoch != before.epoch:
        await learn_names_of_gone(profile, conversation_id, met)
    if record.policy != before.policy and record.standing is Standing.MEMBER:
        await learn_names(profile, conversation_id)
    if record != before:
        for warning in await profile.vault.read(lambda tx: _news(tx, profile, before, record)):
            profile.warn(warning)
    return record


async def look_ahead(
    profile: Profile, conversation_ids: Sequence[UUID]
) -> dict[UUID, Ahead | None]:
    """Of those to catch up with first, the next pages, asked for at once. There is at least one;
    where the answer had no room for the rest, that is for later.

    Without such an answer, and where it has no page, each is asked for alone: one that is broken
    stops no other. Raises ServerUnreachable.
    """
    alone = dict[UUID, Ahead | None].fromkeys(conversation_ids)
    cursors = await profile.vault.read(lambda tx: _cursors(tx, conversation_ids))
    if len(cursors) < 2:
        return alone
    command = ListNewEntries(
        cursors=[ReadCursor(conversation_id=one, after=after) for one, after in cursors.items()]
    )
    try:
        told = await profile.connection.call(command, NewEntries)
    except (BadAnswer, Refused):
        return alone
    ahead = {
        page.conversation_id: Ahead(cursors[page.conversation_id], page)
        for page in told.pages
        if page.conversation_id in cursors
    }
    return ahead if ahead and told.full else alone | ahead


def _cursors(tx: Transaction, conversation_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Of those that this device is in."""
    records = [get_conversation(tx, one) for one in conversation_ids]
    return {
        record.conversation_id: record.cursor
        for record in records
        if record is not None and record.standing is Standing.MEMBER
    }


async def _next_page(profile: Profile, record: ConversationRecord, ahead: Ahead | None) -> Entries:
    if ahead is not None and ahead.after == record.cursor and ahead.page.entries:
        return ahead.page
    command = ListEntries(conversation_id=record.conversation_id, after=record.cursor)
    return await profile.connection.call(command, Entries)


def _start(
    tx: Transaction, profile: Profile, conversation_id: UUID
) -> tuple[ConversationRecord, set[Principal]]:
    return _load(tx, profile, conversation_id).record, seated(tx, conversation_id)


def _news(
    tx: Transaction, profile: Profile, before: ConversationRecord, after: ConversationRecord
) -> list[str]:
    """What has happened in a conversation that everybody in it should know of."""
    removed = [who for who in after.removed_by_server if who not in before.removed_by_server]
    withheld = [one for one in after.withheld if one not in before.withheld]
    return [
        *(
            f"The server removed {name_of(tx, who)} or a device of theirs, and no member did."
            for who in removed
        ),
        *(
            f"The server withholds an entry ({one.kind.name.lower()}, message #{one.message_id}). "
            "Ask others what they see."
            for one in withheld
        ),
        *_policy_news(tx, profile, before, after),
    ]


def _policy_news(
    tx: Transaction, profile: Profile, before: ConversationRecord, after: ConversationRecord
) -> list[str]:
    policy = after.policy
    if policy is None or policy == before.policy:
        return []
    if policy.changed_by.identity_key == profile.account.identity_key:
        return []
    name, state = name_of(tx, policy.changed_by), GroupState.decode(after.state)
    return [
        f"{name} has changed the rules of {state.name}: {_INVITERS[state.inviters]} make invite "
        f"links, and who joins by one reads {_HISTORY[state.history]}."
    ]


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


async def _apply(
    profile: Profile, before: ConversationRecord, page: Entries
) -> tuple[ConversationRecord, set[Principal]]:
    """What follows where this device stood when it asked, and who took a seat in it.

    An empty page tells the chain there: of a log that is shorter by now, another. Raises LogBroken,
    LogRewound.
    """
    conversation_id = before.conversation_id

    def work(tx: Transaction) -> tuple[ConversationRecord, set[Principal]]:
        log = _load(tx, profile, conversation_id)
        apply_entries(log, page.entries, page.chain)
        return log.record, log.came

    if not page.entries:
        if page.chain != before.link:
            raise await profile.vault.read(lambda tx: _rewound(tx, before))
        record = await profile.vault.read(lambda tx: _load(tx, profile, conversation_id).record)
        return record, set()
    return await profile.vault.write(work)


def _load(tx: Transaction, profile: Profile, conversation_id: UUID) -> Log:
    return Log.load(tx, profile.account, conversation_id)
