"""Reactions: a row while it stands, a tombstone once it is taken back."""

from datetime import datetime
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.views import ReactionState


async def get_reaction(
    tx: Tx, conversation_id: UUID, message_id: int, user_id: UUID, token: str
) -> ReactionState | None:
    """The last state of this reaction; None when there never was one."""
    return await tx.one(
        ReactionState,
        """SELECT r.present, r.counter, r.seq, e.created_at FROM (
               SELECT TRUE AS present, counter, seq FROM reactions
               WHERE message_id = $2 AND user_id = $3 AND emoji = $4
               UNION ALL
               SELECT FALSE, counter, seq FROM removed_reactions
               WHERE message_id = $2 AND user_id = $3 AND emoji = $4
           ) r JOIN entries e ON e.conversation_id = $1 AND e.seq = r.seq""",
        conversation_id,
        message_id,
        user_id,
        token,
    )


async def count_reactions(tx: Tx, message_id: int, user_id: UUID) -> int:
    count = await tx.value(
        int,
        "SELECT count(*) FROM reactions WHERE message_id = $1 AND user_id = $2",
        message_id,
        user_id,
    )
    return count or 0


async def add_reaction(
    tx: Tx,
    message_id: int,
    user_id: UUID,
    token: str,
    *,
    counter: int,
    seq: int,
    created_at: datetime,
) -> None:
    await tx.run(
        """DELETE FROM removed_reactions
           WHERE message_id = $1 AND user_id = $2 AND emoji = $3""",
        message_id,
        user_id,
        token,
    )
    await tx.run(
        """INSERT INTO reactions (message_id, user_id, emoji, counter, seq, created_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        message_id,
        user_id,
        token,
        counter,
        seq,
        created_at,
    )


async def remove_reaction(
    tx: Tx, message_id: int, user_id: UUID, token: str, *, counter: int, seq: int
) -> None:
    await tx.run(
        "DELETE FROM reactions WHERE message_id = $1 AND user_id = $2 AND emoji = $3",
        message_id,
        user_id,
        token,
    )
    await tx.run(
        """INSERT INTO removed_reactions (message_id, user_id, emoji, counter, seq)
           VALUES ($1, $2, $3, $4, $5)""",
        message_id,
        user_id,
        token,
        counter,
        seq,
    )
