"""Conversations that are not to be counted: what they bring is there, and asks for nothing.

Only this device knows of it.
"""

from datetime import datetime, timedelta

from coterie.protocol.limits import MUTE_SECONDS
from coterie.sdk.clock import now
from coterie.sdk.conversations import alter, title_of
from coterie.sdk.errors import BadInput
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.records import ConversationRecord, MuteRecord
from coterie.sdk.views import Muted


async def mute(profile: Profile, target: str, length: timedelta | None) -> Muted:
    """For so long, or until it is unmuted. Raises BadInput, NotFoundHere."""
    record = await _set(profile, target, MuteRecord(_end_of(length)))
    return await profile.vault.read(lambda tx: _view(tx, record))


async def unmute(profile: Profile, target: str) -> None:
    """One that is not muted stays so. Raises NotFoundHere."""
    await _set(profile, target, None)


async def list_mutes(profile: Profile) -> list[Muted]:
    """By what the conversations are called."""

    def work(tx: Transaction) -> list[Muted]:
        return [_view(tx, record) for record in list_conversations(tx) if is_muted(record)]

    return sorted(await profile.vault.read(work), key=lambda one: one.conversation)


def is_muted(record: ConversationRecord) -> bool:
    muted = record.muted
    return muted is not None and (muted.until is None or muted.until > now())


def _end_of(length: timedelta | None) -> datetime | None:
    shortest, longest = (timedelta(seconds=seconds) for seconds in MUTE_SECONDS)
    if length is None:
        return None
    if not shortest <= length <= longest:
        raise BadInput(
            f"A conversation is muted for at most {longest.days} days, or until unmuted."
        )
    return now() + length


async def _set(profile: Profile, target: str, muted: MuteRecord | None) -> ConversationRecord:
    def put(record: ConversationRecord) -> None:
        record.muted = muted

    return await alter(profile, target, put)


def _view(tx: Transaction, record: ConversationRecord) -> Muted:
    return Muted(
        conversation_id=record.conversation_id,
        conversation=title_of(tx, record),
        until=record.muted.until if record.muted else None,
    )
