"""How far this person has read, and what is left.

Nothing counts up or down: the unread are counted anew from the position, so that no count sticks.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from coterie.protocol.commands import Done, MarkRead
from coterie.protocol.errors import NotFound, Refused
from coterie.protocol.limits import UNREAD_COUNTED
from coterie.sdk.consent import is_agreed
from coterie.sdk.conversations import is_current, sync_all, title_of
from coterie.sdk.errors import ServerUnreachable
from coterie.sdk.mentions import is_mentioned
from coterie.sdk.mutes import is_muted
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, list_conversations, put_conversation
from coterie.sdk.vault.messages import list_messages_after
from coterie.sdk.vault.records import ConversationRecord, MessageRecord
from coterie.sdk.views import Unread, UnreadTotal


async def mark_read(profile: Profile, conversation_id: UUID, seq: int) -> None:
    """Up to this entry, here and for the person's other devices.

    Those are told another time when the server cannot be asked now. What only asks stays unread.
    """
    if await profile.vault.write(lambda tx: _read_on(tx, conversation_id, seq)):
        try:
            await profile.connection.call(MarkRead(conversation_id=conversation_id, seq=seq), Done)
        except Refused as no:
            if not isinstance(no.refusal, NotFound):  # who is out of it has no other device in it
                _warn(profile, no)
        except ServerUnreachable as error:
            _warn(profile, error)


def _warn(profile: Profile, error: Exception) -> None:
    profile.warn(f"Your other devices do not know yet that you have read this: {error}")


def _read_on(tx: Transaction, conversation_id: UUID, seq: int) -> bool:
    record = get_conversation(tx, conversation_id)
    return record is not None and is_agreed(tx, record) and advance(tx, conversation_id, seq)


def advance(tx: Transaction, conversation_id: UUID, seq: int) -> bool:
    """Never back. Whether it is further than before."""
    record = get_conversation(tx, conversation_id)
    if record is None or record.read_seq >= seq:
        return False
    record.read_seq = seq
    put_conversation(tx, record)
    return True


async def list_unread(profile: Profile) -> list[Unread]:
    """The conversations with something new to read: the fullest first, those that are muted last.

    Raises Refused.
    """
    await sync_all(profile)
    found = await profile.vault.read(lambda tx: list(_unread(tx, profile.account.user_id)))
    return sorted(found, key=lambda one: (one.muted, -one.unread, one.conversation))


def total_of(found: Iterable[Unread]) -> UnreadTotal:
    counted = list(found)
    return UnreadTotal(
        unread=sum(one.mentions if one.muted else one.unread for one in counted),
        mentions=sum(one.mentions for one in counted),
    )


def _unread(tx: Transaction, user_id: UUID) -> Iterator[Unread]:
    for record in list_conversations(tx):
        unread = _newer(tx, record, user_id)
        if unread:
            yield Unread(
                conversation_id=record.conversation_id,
                conversation=title_of(tx, record),
                unread=len(unread),
                mentions=sum(is_mentioned(tx, one) for one in unread),
                muted=is_muted(record),
            )


def count_unread(tx: Transaction, record: ConversationRecord, user_id: UUID) -> int:
    """As `Unread` counts."""
    return len(_newer(tx, record, user_id))


def _newer(tx: Transaction, record: ConversationRecord, user_id: UUID) -> list[MessageRecord]:
    """What others wrote and did not delete, behind this person's position; of whom only asks to
    be heard, nothing."""
    if not is_current(record) or not is_agreed(tx, record):
        return []
    newer = list_messages_after(tx, record.conversation_id, record.read_seq, UNREAD_COUNTED)
    return [one for one in newer if one.sender_id != user_id and one.deleted_at is None]
