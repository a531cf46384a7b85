"""Reactions: a token that says nothing to us, set or taken back, with a counter that rises."""

import re

from coterie.protocol import limits
from coterie.protocol.commands import Accepted, ReactToMessage
from coterie.protocol.errors import CounterStale, LimitReached, Malformed, Refused
from coterie.protocol.header import EntryKind, HeaderError, ReactionOp, ReactionTail
from coterie.protocol.roles import Action
from coterie.server.operations import access, entries, messages
from coterie.server.operations.access import Actor
from coterie.server.storage import reactions
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Entry
from coterie.server.storage.views import ReactionState, Target

_TOKEN = re.compile(rb"[A-Za-z0-9_-]{32}")


async def react_to_message(tx: Tx, actor: Actor, command: ReactToMessage) -> Accepted:
    header = entries.read_header(actor, command.conversation_id, command.entry, EntryKind.REACTION)
    tail = _read_tail(command.entry)
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.REACT)
    if sent := await entries.find_sent(tx, header):
        return sent
    await entries.require_current(tx, actor, standing, header)
    target = await messages.require_target(tx, actor, standing, header.target)
    state = await reactions.get_reaction(
        tx, standing.id, target.id, actor.user_id, tail.token.decode()
    )
    if _is_so_already(state, tail):
        return _present(target, state)
    await _require_room(tx, actor, target, state, tail)
    entry = await entries.append(
        tx,
        actor,
        standing,
        EntryKind.REACTION,
        command.entry,
        epoch=standing.epoch,
        client_id=header.client_id,
        message_id=target.id,
    )
    await _write(tx, actor, target, tail, entry)
    return entries.accepted(entry)


def _read_tail(entry: bytes) -> ReactionTail:
    try:
        tail = ReactionTail.decode(entry)
    except HeaderError as error:
        raise Refused(Malformed(str(error))) from None
    if not _TOKEN.fullmatch(tail.token):
        raise Refused(Malformed("a reaction's token is 32 characters of base64url"))
    return tail


def _is_so_already(state: ReactionState | None, tail: ReactionTail) -> bool:
    present = state is not None and state.present
    return present == (tail.op is ReactionOp.ADD)


def _present(target: Target, state: ReactionState | None) -> Accepted:
    """The entry that made it so; the message itself where there never was a reaction."""
    since = target if state is None else state
    return Accepted(message_id=target.id, seq=since.seq, created_at=since.created_at)


async def _require_room(
    tx: Tx, actor: Actor, target: Target, state: ReactionState | None, tail: ReactionTail
) -> None:
    if state is not None and tail.counter <= state.counter:
        raise Refused(CounterStale(state.counter))
    most = limits.REACTIONS_PER_USER_AND_MESSAGE
    if tail.op is ReactionOp.ADD and (
        await reactions.count_reactions(tx, target.id, actor.user_id) >= most
    ):
        raise Refused(LimitReached("reactions to one message", most))


async def _write(tx: Tx, actor: Actor, target: Target, tail: ReactionTail, entry: Entry) -> None:
    token = tail.token.decode()
    if tail.op is ReactionOp.ADD:
        await reactions.add_reaction(
            tx,
            target.id,
            actor.user_id,
            token,
            counter=tail.counter,
            seq=entry.seq,
            created_at=entry.created_at,
        )
    else:
        await reactions.remove_reaction(
            tx, target.id, actor.user_id, token, counter=tail.counter, seq=entry.seq
        )
