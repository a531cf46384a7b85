"""What passes: told to who listens, and written down nowhere."""

from coterie.protocol.commands import Done, ShowPresence, ShowTyping
from coterie.protocol.errors import Blocked, Refused
from coterie.protocol.roles import Action
from coterie.server.operations import access
from coterie.server.operations.access import Actor
from coterie.server.operations.entries import peer_of
from coterie.server.storage import blocks
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import PresenceShown, Typed


async def show_typing(tx: Tx, actor: Actor, command: ShowTyping) -> Done:
    standing = await access.require(tx, actor, command.conversation_id, Action.SEND)
    peer_id = peer_of(standing, actor.user_id)
    if peer_id is not None and await blocks.has_block(tx, peer_id, actor.user_id):
        raise Refused(Blocked())
    tx.announce(Typed(standing.id, actor.user_id))
    return Done()


async def show_presence(tx: Tx, actor: Actor, command: ShowPresence) -> Done:
    hidden = await blocks.list_parted(tx, actor.user_id)
    tx.announce(PresenceShown(actor.user_id, command.here, frozenset(hidden)))
    return Done()
