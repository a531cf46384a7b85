"""Pins: set and taken back by moderators, and by either of two who talk directly."""

from coterie.protocol import limits
from coterie.protocol.commands import Accepted, Act, PinMessage
from coterie.protocol.errors import CounterStale, LimitReached, Refused
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Action
from coterie.server.operations import access, entries, messages
from coterie.server.operations.access import Actor
from coterie.server.storage import audit, pins
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Pin
from coterie.server.storage.views import Standing, Target


async def pin_message(tx: Tx, actor: Actor, command: PinMessage) -> Accepted:
    header = entries.read_header(actor, command.conversation_id, command.entry, EntryKind.PIN)
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.PIN)
    if sent := await entries.find_sent(tx, header):
        return sent
    await entries.require_current(tx, actor, standing, header)
    target = await messages.require_target(tx, actor, standing, header.target)
    pin = await pins.get_pin(tx, target.id)
    if command.pinned == (pin is not None and pin.pinned):
        return _unchanged(target, pin)
    await _require_room(tx, standing, pin, command)
    entry = await entries.append(
        tx,
        actor,
        standing,
        EntryKind.PIN,
        command.entry,
        epoch=standing.epoch,
        client_id=header.client_id,
        message_id=target.id,
    )
    await pins.set_pin(
        tx,
        standing.id,
        target.id,
        pin_no=command.pin_no,
        pinned=command.pinned,
        seq=entry.seq,
    )
    await _note(tx, actor, standing, target, command)
    return entries.accepted(entry)


def _unchanged(target: Target, pin: Pin | None) -> Accepted:
    """The entry that made it so; the message itself where it never was pinned."""
    if pin is None:
        return Accepted(message_id=target.id, seq=target.seq, created_at=target.created_at)
    return Accepted(message_id=target.id, seq=pin.seq, created_at=pin.changed_at)


async def _require_room(tx: Tx, standing: Standing, pin: Pin | None, command: PinMessage) -> None:
    if pin is not None and command.pin_no <= pin.pin_no:
        raise Refused(CounterStale(pin.pin_no))
    most = limits.PINS_PER_CONVERSATION
    if command.pinned and await pins.count_pins(tx, standing.id) >= most:
        raise Refused(LimitReached("pinned messages", most))


async def _note(
    tx: Tx, actor: Actor, standing: Standing, target: Target, command: PinMessage
) -> None:
    if standing.group_id is not None:
        await audit.add_act(
            tx,
            standing.group_id,
            actor.user_id,
            Act.PIN if command.pinned else Act.UNPIN,
            target_id=target.sender_id,
            message_id=target.id,
        )
