"""Direct conversations: one to each pair of people, and to each person with themselves.

They are opened whole or not at all.
"""

from functools import partial
from uuid import UUID

from coterie.governance.changes import Change, DeviceAdded, PersonJoined
from coterie.mls import MLSError, Welcome
from coterie.protocol import limits
from coterie.protocol.commands import Conversation, GetDirect, OpenDirect, Ordered
from coterie.protocol.errors import Blocked, DirectExists, Malformed, NotFound, Refused, Taken
from coterie.protocol.roles import Action
from coterie.server.operations import access, conversations, epochs, states
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import Step, require_match
from coterie.server.operations.states import Beginning
from coterie.server.storage import accounts, blocks
from coterie.server.storage.conversations import add_direct
from coterie.server.storage.conversations import get_direct as get_pair
from coterie.server.storage.database import Tx
from coterie.server.storage.epochs import add_welcome
from coterie.server.storage.outbox import Entered
from coterie.server.storage.views import Person


async def open_direct(tx: Tx, actor: Actor, command: OpenDirect, beginning: Beginning) -> Ordered:
    peer = await _require_peer(tx, actor, command.peer_id)
    _require_welcome(command.welcome)
    await states.require_own(tx, actor, command.conversation_id, beginning)
    await _require_pair(tx, actor, peer, beginning)
    await _begin(tx, actor, command, beginning)
    return await _add_peer(tx, actor, peer, command)


async def _require_peer(tx: Tx, actor: Actor, peer_id: UUID) -> Person:
    peer = await accounts.get_person(tx, peer_id)
    if peer is None:
        raise Refused(NotFound("user"))
    if await blocks.has_block(tx, peer_id, actor.user_id):
        raise Refused(Blocked())
    return peer


def _require_welcome(welcome: bytes | None) -> None:
    """Of its form only: whether it opens, the other will see."""
    if welcome is None:
        return
    try:
        Welcome.decode(welcome)
    except MLSError as error:
        raise Refused(Malformed(f"the Welcome is none: {error}")) from None


async def _require_pair(tx: Tx, actor: Actor, peer: Person, beginning: Beginning) -> None:
    own = await accounts.get_person(tx, actor.user_id)
    require_match(
        own is not None
        and beginning.state.direct is not None
        and set(beginning.state.direct) == {own.identity_key, peer.identity_key},
        "the anchor is not of the two of you",
    )


def _ordered_pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """As PostgreSQL orders them."""
    return (one, other) if one.bytes <= other.bytes else (other, one)


async def _begin(tx: Tx, actor: Actor, command: OpenDirect, beginning: Beginning) -> None:
    """Write epoch 0, unless this very conversation was begun before. Raises DirectExists."""
    pair = _ordered_pair(actor.user_id, command.peer_id)
    if await add_direct(tx, command.conversation_id, *pair, beginning.chain):
        tx.spend((OpenDirect, actor.user_id), limits.DIRECT_REQUESTS_PER_ACCOUNT)
        await states.keep(tx, beginning.group)
        await states.keep_anchor(tx, beginning.group)
        return
    existing = await get_pair(tx, *pair)
    if existing is None:
        raise Refused(Taken("conversation_id"))
    if existing.id != command.conversation_id:
        raise Refused(DirectExists(existing.id))


async def _add_peer(tx: Tx, actor: Actor, peer: Person, command: OpenDirect) -> Ordered:
    """Order the commit that adds the other, and leave the Welcome for each of the new devices."""
    allow = partial(access.require, tx, actor, command.conversation_id, Action.SEND)
    step = await epochs.begin(tx, actor, command.conversation_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    require_match(_adds_only(actor, step, peer), "it adds somebody else, or not the other")
    require_match(bool(step.made) == (command.welcome is not None), "who is added is welcomed")
    ordered = await epochs.order(tx, actor, step)
    if command.welcome is not None:
        await _leave_welcomes(tx, command.welcome, step, ordered)
    tx.announce(Entered(command.conversation_id, (actor.user_id, peer.id)))
    return ordered


def _adds_only(actor: Actor, step: Step, peer: Person) -> bool:
    """The other, if it is not oneself, and perhaps further devices of either."""
    joined = [change.user_id for change in step.made if isinstance(change, PersonJoined)]
    expected = [] if peer.id == actor.user_id else [peer.id]
    return joined == expected and all(_enters(change) for change in step.made)


def _enters(change: Change) -> bool:
    return isinstance(change, PersonJoined | DeviceAdded)


async def _leave_welcomes(tx: Tx, welcome: bytes, step: Step, ordered: Ordered) -> None:
    for change in step.made:
        if isinstance(change, PersonJoined | DeviceAdded):
            await add_welcome(
                tx,
                conversation_id=ordered.conversation_id,
                device_id=change.device_id,
                epoch=ordered.epoch,
                seq=ordered.seq,
                chain_before=ordered.chain_before,
                welcome=welcome,
                ratchet_tree=step.verdict.after.tree.encode(),
            )


async def get_direct(tx: Tx, actor: Actor, command: GetDirect) -> Conversation:
    existing = await get_pair(tx, *_ordered_pair(actor.user_id, command.peer_id))
    if existing is None:
        raise Refused(NotFound("conversation"))
    return await conversations.conversation_of(tx, actor, existing.id)
