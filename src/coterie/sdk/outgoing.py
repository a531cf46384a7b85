"""Getting an entry accepted: encrypted for the epoch it is sent in, again if that has passed.

It keeps its `client_id` through all attempts, so that it is written once. It lies in the outbox
until it is acknowledged: what a killed process left there, the next one sends.
"""

import os
import time
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from coterie.governance.device_lists import DeviceList
from coterie.protocol.commands import (
    Accepted,
    Command,
    DeleteMessage,
    EditMessage,
    PinMessage,
    ReactToMessage,
    SendMessage,
)
from coterie.protocol.errors import (
    CounterStale,
    EditStale,
    EpochStale,
    Internal,
    RateLimited,
    Refused,
    RemovalPending,
    SlowMode,
    Unauthenticated,
    Unavailable,
)
from coterie.protocol.header import EntryKind, Header, ReactionOp
from coterie.sdk.attempts import attempts
from coterie.sdk.clock import milliseconds, now
from coterie.sdk.commits import remove_leavers, update_leaf
from coterie.sdk.content import Body, DeviceListRef, EntryTooLarge, Pin, seal_entry
from coterie.sdk.conversations import ready
from coterie.sdk.errors import (
    BadAnswer,
    BadInput,
    ClientError,
    GroupHalted,
    NotAcknowledged,
    NotAMember,
    NotFoundHere,
    ServerUnreachable,
)
from coterie.sdk.forks import require_none, require_unforked
from coterie.sdk.heads import heads_for, own_head
from coterie.sdk.log import Log
from coterie.sdk.mentions import has_names, named_in
from coterie.sdk.people import require_uncontested, require_unrevoked, seated
from coterie.sdk.pins import learn_names
from coterie.sdk.profile import Profile
from coterie.sdk.reactions import seal_reaction, token
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.epochs import get_epoch, list_seats
from coterie.sdk.vault.messages import get_message_by_hash, get_reaction
from coterie.sdk.vault.outbox import list_outgoing, put_outgoing, remove_outgoing
from coterie.sdk.vault.records import EpochRecord, MessageRecord, OutboxRecord

ABANDONED: Final = timedelta(minutes=2)
"""After this long in the outbox nobody is sending an entry any more: its process died."""


class Unchanged(Exception):
    """What should be sent is so already."""


def new_client_id() -> UUID:
    """A UUIDv7: its first 48 bits are the time in ms."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (time.time_ns() // 1_000_000) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


async def deliver(profile: Profile, outgoing: OutboxRecord) -> Accepted | None:
    """See it written into the log; None when it would change nothing.

    Raises Refused, IdentityChanged, Forked, GroupHalted, ServerUnreachable; then it is not sent
    later either. Raises NotAcknowledged where it may have arrived: then it is.
    """
    await profile.vault.write(lambda tx: put_outgoing(tx, outgoing))
    try:
        accepted = await _send(profile, outgoing)
    except NotAcknowledged:
        left = replace(outgoing, abandoned=True)
        await profile.vault.write(lambda tx: put_outgoing(tx, left))
        raise
    except BaseException:
        await _remove(profile, outgoing)
        raise
    await _remove(profile, outgoing)
    return accepted


async def deliver_abandoned(profile: Profile) -> None:
    """Send what a process left behind when it died, or when nobody knew whether it had arrived.

    One that cannot be sent stops none of the others; it stays unless it never can be. Raises
    ServerUnreachable, and then all of them stay.
    """
    latest = milliseconds(now() - ABANDONED)
    for outgoing in await profile.vault.read(list_outgoing):
        if outgoing.abandoned or outgoing.client_id.int >> 80 < latest:
            await _deliver_late(profile, outgoing)


async def _deliver_late(profile: Profile, outgoing: OutboxRecord) -> None:
    try:
        await _send(profile, outgoing)
    except ServerUnreachable:
        raise
    except (ClientError, Refused) as error:
        if not _is_final(error):
            profile.warn(f"{_quoted(outgoing)} still waits. {error}")
            return
        profile.warn(f"{_quoted(outgoing)} could not be sent, and will not be. {error}")
    await _remove(profile, outgoing)


def _is_final(error: ClientError | Refused) -> bool:
    """Whether the same will be said to the same entry for ever."""
    if isinstance(error, Refused):
        passing = Unavailable | Unauthenticated | RateLimited | SlowMode | Internal
        return not isinstance(error.refusal, passing)
    return isinstance(error, NotAMember | GroupHalted | NotFoundHere | EntryTooLarge | BadInput)


def _quoted(outgoing: OutboxRecord) -> str:
    """What a person wrote is not lost with the entry."""
    match outgoing.kind:
        case EntryKind.MESSAGE:
            return f"Your message {outgoing.text!r}"
        case EntryKind.EDIT:
            return f"Your edit {outgoing.text!r}"
        case EntryKind.DELETION:
            return "Your deletion"
        case EntryKind.PIN:
            return "Your pin" if outgoing.op is ReactionOp.ADD else "Your unpinning"
        case _:
            return f"Your reaction {outgoing.text}"


async def _remove(profile: Profile, outgoing: OutboxRecord) -> None:
    await profile.vault.write(lambda tx: remove_outgoing(tx, outgoing.client_id))


async def _send(profile: Profile, outgoing: OutboxRecord) -> Accepted | None:
    """Raises NotAcknowledged once it is on its way and no answer tells what became of it."""
    async for _ in attempts():
        record = await ready(profile, outgoing.conversation_id)
        await require_unforked(profile, record)
        await update_leaf(profile, record)
        if record.peer_id is None and has_names(outgoing.text):
            await learn_names(profile, record.conversation_id)
        try:
            command = await profile.vault.read(lambda tx: _seal(tx, profile, outgoing))
            return await profile.connection.call(command, Accepted)
        except Unchanged:
            return None
        except (ServerUnreachable, BadAnswer):
            raise NotAcknowledged(profile.connection.server) from None
        except Refused as no:
            if isinstance(no.refusal, Unavailable):
                raise NotAcknowledged(profile.connection.server) from None
            if isinstance(no.refusal, RemovalPending):
                await remove_leavers(profile, outgoing.conversation_id)
            elif not isinstance(no.refusal, EpochStale | EditStale | CounterStale):
                raise
    raise AssertionError("attempts end by raising")


def _seal(tx: Transaction, profile: Profile, outgoing: OutboxRecord) -> Command:
    """The command for the epoch as it is now.

    Raises IdentityChanged, DeviceRevoked, Forked, Unchanged.
    """
    log = Log.load(tx, profile.account, outgoing.conversation_id)
    require_none(tx, log.record)
    require_uncontested(tx, seated(tx, log.conversation_id))
    require_unrevoked(tx, list_seats(tx, log.conversation_id))
    if log.record.unseen:
        profile.warn(
            "Nobody who vouches for this group (its owner, or who made your link) has been seen "
            "in it since you joined."
        )
    epoch = log.epoch()
    header = Header(
        log.conversation_id,
        log.record.epoch,
        profile.account.device_id,
        outgoing.client_id,
        outgoing.kind,
        outgoing.target,
    )
    if outgoing.kind is EntryKind.REACTION:
        return _reaction(log, epoch, header, outgoing)
    return _content(log, epoch, header, outgoing)


def _content(log: Log, epoch: EpochRecord, header: Header, outgoing: OutboxRecord) -> Command:
    edit_no = _target(log, outgoing).edit_no + 1 if outgoing.kind is EntryKind.EDIT else 0
    pin = _pin(log, outgoing) if outgoing.kind is EntryKind.PIN else UNSET
    devices = DeviceList.decode(log.account.device_list)
    named = named_in(log, outgoing.text)
    body = Body(
        text=outgoing.text,
        files=outgoing.files,
        edit_no=edit_no,
        pin=pin,
        head=own_head(log),
        foreign_heads=heads_for(log),
        device_list=DeviceListRef(devices.version, devices.hash),
        mentions=named.user_ids,
        everyone=named.everyone,
        portrays=outgoing.portrays,
    )
    assert epoch.content_key is not None, "a device that is ready has the key"  # noqa: S101
    entry = seal_entry(epoch.content_key, header, body, log.account.device_seed, epoch.context_hash)
    conversation_id = log.conversation_id
    match outgoing.kind:
        case EntryKind.EDIT:
            return EditMessage(conversation_id=conversation_id, entry=entry, edit_no=edit_no)
        case EntryKind.DELETION:
            return DeleteMessage(
                conversation_id=conversation_id, entry=entry, reason=outgoing.reason
            )
        case EntryKind.PIN if isinstance(pin, Pin):
            return PinMessage(
                conversation_id=conversation_id, entry=entry, pin_no=pin.number, pinned=pin.pinned
            )
        case _:
            file_ids = [file.file_id for file in outgoing.files]
            return SendMessage(conversation_id=conversation_id, entry=entry, file_ids=file_ids)


def _pin(log: Log, outgoing: OutboxRecord) -> Pin:
    """Raises Unchanged."""
    message, wanted = _target(log, outgoing), outgoing.op is ReactionOp.ADD
    if wanted == (message.pinned is not None):
        raise Unchanged
    return Pin(message.pin_no + 1, wanted)


def _reaction(log: Log, epoch: EpochRecord, header: Header, outgoing: OutboxRecord) -> Command:
    """`outgoing.text` is the emoji, `outgoing.op` whether it is to be there."""
    message, account = _target(log, outgoing), log.account
    spoken_in = get_epoch(log.tx, log.conversation_id, message.epoch)
    if spoken_in is None or spoken_in.content_key is None or outgoing.text is None:
        raise NotFoundHere("This device cannot read that message.")
    mark = token(spoken_in.content_key, message.hash, account.user_id, outgoing.text)
    before = get_reaction(
        log.tx, log.conversation_id, message.message_id, account.identity_key, mark
    )
    present = before is not None and before.present
    if present == (outgoing.op is ReactionOp.ADD):
        raise Unchanged
    counter = before.counter + 1 if before else 1
    seed, context = account.device_seed, epoch.context_hash
    entry = seal_reaction(header, mark, outgoing.op, counter, seed, context)
    return ReactToMessage(conversation_id=log.conversation_id, entry=entry)


def _target(log: Log, outgoing: OutboxRecord) -> MessageRecord:
    found = get_message_by_hash(log.tx, log.conversation_id, outgoing.target)
    if found is None or found.deleted_at is not None:
        raise NotFoundHere("That message is not there any more.")
    return found
