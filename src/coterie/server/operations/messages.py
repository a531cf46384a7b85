"""Edits and deletions. Sending is the committer's: many messages, one transaction."""

from coterie.protocol.commands import Accepted, Act, DeleteMessage, EditMessage
from coterie.protocol.errors import EditStale, Forbidden, NotFound, Refused
from coterie.protocol.header import EntryKind
from coterie.protocol.roles import Action, may
from coterie.server.operations import access, entries
from coterie.server.operations.access import Actor
from coterie.server.storage import audit, files, messages
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import BlobsDropped
from coterie.server.storage.views import Standing, Target


async def edit_message(tx: Tx, actor: Actor, command: EditMessage) -> Accepted:
    header = entries.read_header(actor, command.conversation_id, command.entry, EntryKind.EDIT)
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.EDIT_OWN)
    if sent := await entries.find_sent(tx, header):
        return sent
    await entries.require_current(tx, actor, standing, header)
    target = await require_target(tx, actor, standing, header.target)
    if target.sender_id != actor.user_id:
        raise Refused(Forbidden(Action.EDIT_OWN))
    if command.edit_no <= target.edit_no:
        raise Refused(EditStale(target.edit_no))
    entry = await entries.append(
        tx,
        actor,
        standing,
        EntryKind.EDIT,
        command.entry,
        epoch=standing.epoch,
        client_id=header.client_id,
        message_id=target.id,
    )
    await messages.mark_edited(tx, target.id, command.edit_no, entry.seq)
    return entries.accepted(entry)


async def delete_message(tx: Tx, actor: Actor, command: DeleteMessage) -> Accepted:
    header = entries.read_header(actor, command.conversation_id, command.entry, EntryKind.DELETION)
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.DELETE_OWN)
    if sent := await entries.find_sent(tx, header):
        return sent
    await entries.require_current(tx, actor, standing, header)
    target = await require_target(tx, actor, standing, header.target)
    if not _may_delete(actor, standing, target):
        raise Refused(Forbidden(Action.DELETE_OTHERS))
    entry = await entries.append(
        tx,
        actor,
        standing,
        EntryKind.DELETION,
        command.entry,
        epoch=standing.epoch,
        client_id=header.client_id,
        message_id=target.id,
    )
    await messages.destroy_contents(tx, target.id)
    paths = await files.remove_message_files(tx, target.id)
    tx.announce(BlobsDropped(tuple(paths)))
    if standing.group_id is not None and target.sender_id != actor.user_id:
        await audit.add_act(
            tx,
            standing.group_id,
            actor.user_id,
            Act.DELETE_MESSAGE,
            target_id=target.sender_id,
            message_id=target.id,
            reason=command.reason,
        )
    return entries.accepted(entry)


def _may_delete(actor: Actor, standing: Standing, target: Target) -> bool:
    """One's own, or by rank. An author without a seat ranks below everybody."""
    if target.sender_id == actor.user_id:
        return True
    author = 0 if target.author_role is None else target.author_role.rank
    return may(standing.role, Action.DELETE_OTHERS) and standing.role.rank > author


async def require_target(tx: Tx, actor: Actor, standing: Standing, entry_hash: bytes) -> Target:
    """The message that an entry names: one that the actor may read, or wrote.

    Raises NotFound for a deleted one, another conversation's, and one from before they joined.
    """
    target = await messages.get_target(tx, standing.id, entry_hash)
    if target is None or target.deleted:
        raise Refused(NotFound("message"))
    if target.seq < standing.joined_seq and target.sender_id != actor.user_id:
        raise Refused(NotFound("message"))
    return target
