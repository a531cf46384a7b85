"""Messages as a person sees them, from this device's own store."""

from collections import defaultdict
from operator import itemgetter
from uuid import UUID

from coterie.protocol.header import NO_TARGET
from coterie.sdk.mentions import is_mentioned
from coterie.sdk.people import claimed_name, is_other, name_of
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation
from coterie.sdk.vault.lost_messages import get_lost_place, list_lost_messages
from coterie.sdk.vault.messages import (
    first_seq_from,
    get_message_by_hash,
    list_changed_messages,
    list_messages,
    list_reactions,
)
from coterie.sdk.vault.records import MessageRecord, Principal
from coterie.sdk.views import FileView, Mention, Message, PinnedMessage, ReactionView

END = 2**63 - 1


def newest(tx: Transaction, conversation_id: UUID, limit: int, before: int | None) -> list[Message]:
    """The newest `limit`, or those older than the message `before`; oldest first.

    What the server has lost stands where it was lost, before what came after it.
    """
    seq, message_id = place = _place_of(tx, conversation_id, before)
    kept = list_messages(tx, conversation_id, seq + (message_id > 0), limit)
    lost = list_lost_messages(tx, conversation_id, place, limit)
    ordered = sorted(
        [
            *(((record.seq, 0), record) for record in kept),
            *(((after_seq, record.message_id), record) for after_seq, record in lost),
        ],
        key=itemgetter(0),
    )
    return [view(tx, conversation_id, record) for _, record in ordered[-limit:]]


def _place_of(tx: Transaction, conversation_id: UUID, message_id: int | None) -> tuple[int, int]:
    """The entry of a message and 0; or for a lost one, the entry it stands behind and its id."""
    if message_id is None:
        return END, 0
    after_seq = get_lost_place(tx, conversation_id, message_id)
    if after_seq is not None:
        return after_seq, message_id
    return first_seq_from(tx, conversation_id, message_id) or END, 0


def changed(tx: Transaction, conversation_id: UUID, after_seq: int) -> list[tuple[int, Message]]:
    """What entries after `after_seq` made or changed, each with the entry that did it last."""
    records = list_changed_messages(tx, conversation_id, after_seq)
    return [(record.changed_seq, view(tx, conversation_id, record)) for record in records]


def pinned(tx: Transaction, conversation_id: UUID) -> list[PinnedMessage]:
    """The one pinned last comes first."""
    record = get_conversation(tx, conversation_id)
    seqs = () if record is None else reversed(record.pinned)
    messages = [list_messages(tx, conversation_id, seq + 1, 1)[0] for seq in seqs]
    return [
        PinnedMessage(
            message=view(tx, conversation_id, message),
            pinned_by=name_of(tx, message.pinned.by),
            pinned_at=message.pinned.at,
        )
        for message in messages
        if message.pinned is not None
    ]


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
        pinned=record.pinned is not None,
        other_identity=sender is not None and is_other(tx, sender),
        lost_by_server=record.lost,
        mentions=tuple(
            Mention(user_id=who.user_id, username=name_of(tx, who)) for who in record.mentions
        ),
        everyone=record.everyone,
        portrays=record.portrays,
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
