"""What a person has begun to write and not sent: one draft to a conversation, on this device."""

from uuid import UUID

from coterie.protocol.limits import ENTRY_BYTES
from coterie.sdk.conversations import alter, find, title_of
from coterie.sdk.errors import BadInput
from coterie.sdk.fields import require_text
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation, list_conversations, put_conversation
from coterie.sdk.vault.records import ConversationRecord
from coterie.sdk.views import Draft


async def get_draft(profile: Profile, target: str) -> str | None:
    """Raises NotFoundHere."""
    conversation_id = await find(profile, target)
    record = await profile.vault.read(lambda tx: get_conversation(tx, conversation_id))
    return record.draft if record else None


async def keep_draft(profile: Profile, target: str, text: str) -> None:
    """In the place of the one before; an empty one is none. Raises BadInput, NotFoundHere."""
    require_text(text)
    if len(text.encode()) > ENTRY_BYTES:
        raise BadInput(f"A draft has at most {ENTRY_BYTES} bytes, as a message does.")

    def put(record: ConversationRecord) -> None:
        record.draft = text or None

    await alter(profile, target, put)


async def list_drafts(profile: Profile) -> list[Draft]:
    """By what the conversations are called."""

    def work(tx: Transaction) -> list[Draft]:
        return [
            _view(tx, record, record.draft) for record in list_conversations(tx) if record.draft
        ]

    return sorted(await profile.vault.read(work), key=lambda one: one.conversation)


async def drop_sent(profile: Profile, conversation_id: UUID, text: str) -> None:
    """What has been sent word for word is no draft any more."""
    record = await profile.vault.read(lambda tx: get_conversation(tx, conversation_id))
    if record is not None and record.draft == text:  # else nothing is written: it would cost a sync
        await profile.vault.write(lambda tx: _drop(tx, conversation_id, text))


def _drop(tx: Transaction, conversation_id: UUID, text: str) -> None:
    record = get_conversation(tx, conversation_id)
    if record is not None and record.draft == text:
        record.draft = None
        put_conversation(tx, record)


def _view(tx: Transaction, record: ConversationRecord, text: str) -> Draft:
    return Draft(
        conversation_id=record.conversation_id, conversation=title_of(tx, record), text=text
    )
