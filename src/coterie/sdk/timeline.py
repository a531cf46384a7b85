"""Messages as a person sees them, from this device's own store."""

from collections import defaultdict
from uuid import UUID

from coterie.protocol.header import NO_TARGET
from coterie.sdk.mentions import is_mentioned
from coterie.sdk.people import claimed_name, is_other, name_of
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.messages import (
    first_seq_from,
    get_message_by_hash,
    list_changed_messages,
    list_messages,
    list_reactions,
)
from coterie.sdk.vault.records import MessageRecord, Principal
from coterie.sdk.views import FileView, Mention, Message, ReactionView

END = 2**63 - 1


def newest(tx: Transaction, conversation_id: UUID, limit: int, before: int | None) -> list[Message]:
    """The newest `limit`, or those older than the message `before`; oldest first."""
    before_seq = END
    if before is not None:
        before_seq = first_seq_from(tx, conversation_id, before) or END
    records = list_messages(tx, conversation_id, before_seq, limit)
    return [view(tx, conversation_id, record) for record in records]


def changed(tx: Transaction, conversation_id: UUID, after_seq: int) -> list[tuple[int, Message]]:
    """What entries after `after_seq` made or changed, each with the entry that did it last."""
    records = list_changed_messages(tx, conversation_id, after_seq)
    return [(record.changed_seq, view(tx, conversation_id, record)) for record in records]


def view(tx: Transaction, conversation_id: UUID, record: MessageRecord) -> Message:
    sender = _sender(record)
    return Message(
        message_id=record.message_id,
        seq=record.seq,
        sender=name_of(tx, sender) if sender else claimed_name(tx, record.sender_id),
        text=record.text,
        reply_to_id=_reply_to(tx, conversation_id, record),
        created_at=record.created_at,
        edited_at=record.edited_at,
        deleted_at=record.deleted_at,
        files=tuple(
            FileView(
                file_id=file.file_id,
                name=file.name,
                size_bytes=file.size_bytes,
                mime_type=file.mime_type,
            )
            for file in record.files
        ),
        reactions=_reactions(tx, conversation_id, record.message_id),
        problem=record.problem,
        provisional=record.provisional,
        other_identity=sender is not None and is_other(tx, sender),
        mentions=tuple(
            Mention(user_id=who.user_id, username=name_of(tx, who)) for who in record.mentions
        ),
        everyone=record.everyone,
        mentions_you=is_mentioned(tx, record),
    )


def _sender(record: MessageRecord) -> Principal | None:
    """None for a stub: nobody has proven to have written it."""
    key = record.sender_key
    return None if key is None else Principal(record.sender_id, key)


def _reply_to(tx: Transaction, conversation_id: UUID, record: MessageRecord) -> int | None:
    """By the hash that the sender signed; None for what was said before this device came."""
    if record.reply_to == NO_TARGET:
        return None
    original = get_message_by_hash(tx, conversation_id, record.reply_to)
    return None if original is None else original.message_id


def _reactions(tx: Transaction, conversation_id: UUID, message_id: int) -> tuple[ReactionView, ...]:
    """The emoji of most people first."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for reaction in list_reactions(tx, conversation_id, message_id):
        if reaction.present and reaction.emoji is not None:
            users[reaction.emoji].append(name_of(tx, reaction.who))
    views = [
        ReactionView(emoji=emoji, users=tuple(sorted(names))) for emoji, names in users.items()
    ]
    return tuple(sorted(views, key=lambda one: (-len(one.users), one.emoji)))
