"""Messages, once they are there. How they get there is in `batches`."""

from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.views import Target


async def get_target(tx: Tx, conversation_id: UUID, entry_hash: bytes) -> Target | None:
    """The message of this conversation that an entry names by its hash."""
    return await tx.one(
        Target,
        """SELECT t.id, t.sender_id, m.role AS author_role, t.edit_no, t.seq, t.created_at,
                  t.deleted_at IS NOT NULL AS deleted
           FROM messages t
           LEFT JOIN group_members m ON m.group_id = t.group_id AND m.user_id = t.sender_id
           WHERE t.conversation_id = $1 AND t.entry_hash = $2""",
        conversation_id,
        entry_hash,
    )


async def mark_edited(tx: Tx, message_id: int, edit_no: int, seq: int) -> None:
    """The edit at `seq` is the newest; the contents of those before it are destroyed."""
    await tx.run(
        "UPDATE messages SET edit_no = $2, edited_at = now() WHERE id = $1", message_id, edit_no
    )
    await tx.run(
        "UPDATE entries SET content = NULL WHERE message_id = $1 AND kind = 2 AND seq < $2",
        message_id,
        seq,
    )


async def destroy_contents(tx: Tx, message_id: int) -> None:
    """Make a tombstone of a message: what it said, its edits, its reactions, its pin are gone."""
    await tx.run(
        "UPDATE messages SET content_ciphertext = NULL, deleted_at = now() WHERE id = $1",
        message_id,
    )
    await tx.run(
        "UPDATE entries SET content = NULL WHERE message_id = $1 AND kind IN (2, 4)", message_id
    )
    await tx.run("DELETE FROM reactions WHERE message_id = $1", message_id)
    await tx.run("DELETE FROM removed_reactions WHERE message_id = $1", message_id)
    await tx.run("DELETE FROM pins WHERE message_id = $1", message_id)
