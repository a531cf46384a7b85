"""Messages: writing, changing, reacting, reading, following."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from coterie.protocol.errors import NotFound, Refused
from coterie.protocol.header import NO_TARGET, EntryKind, ReactionOp
from coterie.sdk import attachments
from coterie.sdk.attachments import Progress
from coterie.sdk.catching_up import catch_up
from coterie.sdk.content import Portrayed
from coterie.sdk.conversations import find, is_current, require_standing, up_to_date
from coterie.sdk.direct import open_direct
from coterie.sdk.drafts import drop_sent
from coterie.sdk.errors import (
    BadInput,
    ClientError,
    LogRewound,
    LostHere,
    NotAcknowledged,
    NotFoundHere,
    ServerUnreachable,
)
from coterie.sdk.fields import require_text
from coterie.sdk.forks import require_unforked
from coterie.sdk.outgoing import deliver, deliver_abandoned, new_client_id
from coterie.sdk.pins import learn_names, warn_if_contested
from coterie.sdk.profile import Profile
from coterie.sdk.reactions import require_known
from coterie.sdk.reading import mark_read
from coterie.sdk.timeline import changed, newest, pinned
from coterie.sdk.vault.conversations import get_conversation
from coterie.sdk.vault.lost_messages import get_lost_place
from coterie.sdk.vault.messages import get_message
from coterie.sdk.vault.records import ConversationRecord, MessageRecord, OutboxRecord, Standing
from coterie.sdk.views import Message, PinnedMessage, Sent

LOOK_SECONDS: Final = 60
"""How long a follower relies on events alone."""


async def send(
    profile: Profile,
    target: str,
    text: str,
    reply_to: int | None,
    files: Sequence[Path],
    progress: Progress | None,
    portrays: Portrayed | None = None,
) -> Sent:
    _require_content(text, files)
    await deliver_abandoned(profile)  # first things first
    conversation_id = await _opened(profile, target)
    original = None if reply_to is None else await _message(profile, conversation_id, reply_to)
    attached = await attachments.upload_all(profile, conversation_id, files, progress)
    outgoing = OutboxRecord(
        client_id=new_client_id(),
        conversation_id=conversation_id,
        kind=EntryKind.MESSAGE,
        target=NO_TARGET if original is None else original.hash,
        text=text,
        files=attached,
        portrays=portrays,
    )
    try:
        accepted = await deliver(profile, outgoing)
    except NotAcknowledged:
        raise  # it may be there, or will be: with its files
    except Exception:
        await attachments.discard_all(profile, attached)
        raise
    assert accepted is not None, "a message always changes something"  # noqa: S101
    await drop_sent(profile, conversation_id, text)
    return Sent(message_id=accepted.message_id, seq=accepted.seq)


async def edit(profile: Profile, target: str, message_id: int, text: str) -> None:
    _require_content(text)
    await _change(profile, target, message_id, EntryKind.EDIT, text)


async def delete(profile: Profile, target: str, message_id: int, reason: str | None) -> None:
    await _change(profile, target, message_id, EntryKind.DELETION, reason=reason)


async def react(profile: Profile, target: str, message_id: int, emoji: str, op: ReactionOp) -> None:
    """Raises UnknownEmoji."""
    known = require_known(emoji)
    await _change(profile, target, message_id, EntryKind.REACTION, known, op)


async def pin(profile: Profile, target: str, message_id: int, op: ReactionOp) -> None:
    await _change(profile, target, message_id, EntryKind.PIN, op=op)


async def list_pinned(profile: Profile, target: str) -> list[PinnedMessage]:
    """The one pinned last comes first. As `read` for who is no longer a member."""
    await deliver_abandoned(profile)
    conversation_id = await find(profile, target)
    await caught_up(profile, conversation_id)
    return await profile.vault.read(lambda tx: pinned(tx, conversation_id))


async def read(profile: Profile, target: str, limit: int, before: int | None) -> list[Message]:
    """Oldest first. Who is no longer a member reads what this device kept, with a warning."""
    await deliver_abandoned(profile)
    conversation_id = await find(profile, target)
    record = await caught_up(profile, conversation_id)
    messages = await profile.vault.read(lambda tx: newest(tx, conversation_id, limit, before))
    if before is None and messages and is_current(record):
        await mark_read(profile, conversation_id, messages[-1].seq)
    return messages


async def follow(profile: Profile, target: str, history: int) -> AsyncGenerator[Message]:
    """The newest `history` messages, then each that is new or changes; it outlives lost
    connections. Nothing falls between the two."""
    conversation_id = await find(profile, target)
    with profile.live.watch(conversation_id) as woken:
        seen = (await caught_up(profile, conversation_id)).cursor
        for message in await profile.vault.read(
            lambda tx: newest(tx, conversation_id, history, None)
        ):
            yield message
        while True:
            await wait(woken)
            for changed_seq, message in await list_news(profile, conversation_id, seen):
                seen = changed_seq
                yield message
                await mark_read(profile, conversation_id, message.seq)


async def download(
    profile: Profile, target: str, file_id: UUID, out: Path | None, progress: Progress | None
) -> Path:
    conversation_id = await find(profile, target)
    await catch_up(profile, conversation_id)
    return await attachments.download(profile, conversation_id, file_id, out, progress)


async def _change(
    profile: Profile,
    target: str,
    message_id: int,
    kind: EntryKind,
    text: str | None = None,
    op: ReactionOp = ReactionOp.ADD,
    reason: str | None = None,
) -> None:
    """An entry about an earlier message, named by the hash in this device's own store."""
    await deliver_abandoned(profile)
    conversation_id = await find(profile, target)
    original = await _message(profile, conversation_id, message_id)
    outgoing = OutboxRecord(
        client_id=new_client_id(),
        conversation_id=conversation_id,
        kind=kind,
        target=original.hash,
        text=text,
        op=op,
        reason=reason,
    )
    await deliver(profile, outgoing)


def _require_content(text: str, files: Sequence[Path] = ()) -> None:
    require_text(text)
    if not text.strip() and not files:
        raise BadInput("A message says something, or brings a file.")


async def _opened(profile: Profile, target: str) -> UUID:
    """A message to somebody opens the conversation; a group has to be there."""
    return await (open_direct if target.startswith("@") else find)(profile, target)


async def _message(profile: Profile, conversation_id: UUID, message_id: int) -> MessageRecord:
    """Raises NotFoundHere."""
    await catch_up(profile, conversation_id)
    found = await profile.vault.read(lambda tx: get_message(tx, conversation_id, message_id))
    if found is None:
        place = await profile.vault.read(lambda tx: get_lost_place(tx, conversation_id, message_id))
        if place is not None:
            raise LostHere(message_id)
        raise NotFoundHere(f"There is no message {message_id} in this conversation.")
    return found


async def caught_up(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    """With names; if the server shows the conversation no more, as this device has it."""
    try:
        record = await up_to_date(profile, conversation_id)
        if record.peer_id is None and record.standing is Standing.MEMBER:
            await learn_names(profile, conversation_id)
    except Refused as no:
        if not isinstance(no.refusal, NotFound):
            raise
        profile.warn("The server says you are not in this conversation: this is what you kept.")
        record = await _kept(profile, conversation_id)
    except LogRewound as error:
        profile.warn(str(error))
        record = await _kept(profile, conversation_id)
    try:
        require_standing(record)
        await require_unforked(profile, record)
    except ClientError as error:
        profile.warn(str(error))
    await warn_if_contested(profile, conversation_id)
    return record


async def _kept(profile: Profile, conversation_id: UUID) -> ConversationRecord:
    record = await profile.vault.read(lambda tx: get_conversation(tx, conversation_id))
    assert record is not None, "it was found a moment ago"  # noqa: S101
    return record


async def list_news(
    profile: Profile, conversation_id: UUID, seen: int
) -> list[tuple[int, Message]]:
    """What has changed since entry `seen`; nothing while the server cannot be reached."""
    with suppress(ServerUnreachable):
        await caught_up(profile, conversation_id)
    return await profile.vault.read(lambda tx: changed(tx, conversation_id, seen))


async def wait(woken: asyncio.Event) -> None:
    """For an event, or until it is time to look anyway."""
    with suppress(TimeoutError):
        await asyncio.wait_for(woken.wait(), LOOK_SECONDS)
    woken.clear()
