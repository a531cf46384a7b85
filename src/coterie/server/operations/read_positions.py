"""How far one has read: outside the log, and nobody else's business."""

from coterie.protocol.commands import Done, MarkRead
from coterie.protocol.errors import NotFound, Refused
from coterie.protocol.roles import Action
from coterie.server.operations import access
from coterie.server.operations.access import Actor
from coterie.server.storage import conversations, read_positions
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import ReadFurther


async def mark_read(tx: Tx, actor: Actor, command: MarkRead) -> Done:
    """Never back, and never beyond the log: a position that is wrong does not stay wrong."""
    standing = await access.require(tx, actor, command.conversation_id, Action.READ)
    if not await conversations.hold_conversation(tx, standing.id):
        raise Refused(NotFound("conversation"))
    seq = min(command.seq, standing.seq)
    if await read_positions.advance_read_position(tx, actor.user_id, standing.id, seq):
        tx.announce(ReadFurther(actor.user_id, standing.id, seq))
    return Done()
