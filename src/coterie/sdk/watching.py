"""What a program shows that stays open: first what this device has, then what changes.

Nothing here waits for the server before it gives what is there already.
"""

from collections.abc import AsyncGenerator
from uuid import UUID

from coterie.protocol.header import EntryKind
from coterie.sdk.conversations import find, is_current, title_of
from coterie.sdk.messages import list_news, wait
from coterie.sdk.profile import Profile
from coterie.sdk.reading import count_unread
from coterie.sdk.timeline import END, newest
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, list_conversations
from coterie.sdk.vault.messages import list_messages
from coterie.sdk.vault.outbox import list_outgoing
from coterie.sdk.vault.records import ConversationRecord
from coterie.sdk.views import Conversation, Message, Unconfirmed


async def watch_all(profile: Profile) -> AsyncGenerator[bool]:
    """Whether the server is there: now, and whenever that or anything else may have changed."""
    with profile.live.watch(None) as woken:
        while True:
            yield profile.live.connected
            await wait(woken)


async def watch(profile: Profile, target: str, history: int) -> AsyncGenerator[list[Message]]:
    """The newest `history` messages; then, at every look, what is new or has changed since."""
    conversation_id = await find(profile, target)
    with profile.live.watch(conversation_id) as woken:
        seen, kept = await profile.vault.read(lambda tx: _kept(tx, conversation_id, history))
        yield kept
        news = await list_news(profile, conversation_id, seen)
        again = await list_kept(profile, target, history + len(news), None)
        yield [*again, *(message for _, message in news)]  # names are known by now
        while True:
            seen = news[-1][0] if news else seen
            await wait(woken)
            news = await list_news(profile, conversation_id, seen)
            yield [message for _, message in news]


async def list_kept(profile: Profile, target: str, limit: int, before: int | None) -> list[Message]:
    """Of what this device has, the newest or those before the message `before`; oldest first."""
    conversation_id = await find(profile, target)
    return await profile.vault.read(lambda tx: newest(tx, conversation_id, limit, before))


async def list_overview(profile: Profile) -> list[Conversation]:
    """Every conversation this device knows, that with the newest message first."""
    user_id = profile.account.user_id
    found = await profile.vault.read(
        lambda tx: [_view(tx, record, user_id) for record in list_conversations(tx)]
    )
    return sorted(found, key=lambda one: (one.newest_at, one.conversation_id), reverse=True)


async def list_unconfirmed(profile: Profile, target: str) -> list[Unconfirmed]:
    conversation_id = await find(profile, target)
    return [
        Unconfirmed(
            text=one.text or "",
            file_names=tuple(file.name for file in one.files),
        )
        for one in await profile.vault.read(list_outgoing)
        if one.abandoned
        and one.conversation_id == conversation_id
        and one.kind is EntryKind.MESSAGE
    ]


def _kept(tx: Transaction, conversation_id: UUID, history: int) -> tuple[int, list[Message]]:
    """And the entry up to which these messages are as they stand."""
    record = get_conversation(tx, conversation_id)
    assert record is not None, "it was found a moment ago"  # noqa: S101
    return record.cursor, newest(tx, conversation_id, history, None)


def _view(tx: Transaction, record: ConversationRecord, user_id: UUID) -> Conversation:
    last = list_messages(tx, record.conversation_id, END, 1)
    return Conversation(
        conversation_id=record.conversation_id,
        title=title_of(tx, record),
        direct=record.peer_id is not None,
        unread=count_unread(tx, record, user_id),
        read_seq=record.read_seq,
        newest_at=last[0].created_at if last else record.leaf_updated_at,
        current=is_current(record),
    )
