"""Conversations: what a group and a direct conversation share."""

from collections.abc import Collection
from uuid import UUID

from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Conversation
from coterie.server.storage.views import ConversationSummary, Standing


async def add_group_conversation(tx: Tx, group_id: UUID, chain: bytes) -> None:
    await tx.run(
        "INSERT INTO conversations (id, group_id, chain) VALUES ($1, $1, $2)", group_id, chain
    )


async def add_direct(
    tx: Tx, conversation_id: UUID, low_id: UUID, high_id: UUID, chain: bytes
) -> bool:
    """False, and nothing written, when the id or the pair exists already."""
    written = await tx.run(
        """INSERT INTO conversations (id, low_id, high_id, chain) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING""",
        conversation_id,
        low_id,
        high_id,
        chain,
    )
    return written == 1


async def get_conversation(tx: Tx, conversation_id: UUID) -> Conversation | None:
    return await tx.one(Conversation, "SELECT * FROM conversations WHERE id = $1", conversation_id)


async def get_direct(tx: Tx, low_id: UUID, high_id: UUID) -> Conversation | None:
    return await tx.one(
        Conversation,
        "SELECT * FROM conversations WHERE low_id = $1 AND high_id = $2",
        low_id,
        high_id,
    )


async def lock_conversation(tx: Tx, conversation_id: UUID) -> bool:
    """Take turns: whatever is read after this holds until COMMIT. False: there is none."""
    found = await tx.value(
        UUID, "SELECT id FROM conversations WHERE id = $1 FOR NO KEY UPDATE", conversation_id
    )
    return found is not None


async def hold_conversation(tx: Tx, conversation_id: UUID) -> bool:
    """Keep it from being deleted until COMMIT, in nobody's way. False: there is none."""
    found = await tx.value(
        UUID, "SELECT id FROM conversations WHERE id = $1 FOR KEY SHARE", conversation_id
    )
    return found is not None


async def get_standing(tx: Tx, conversation_id: UUID, user_id: UUID) -> Standing | None:
    """None when there is no such conversation, or this user takes no part in it."""
    found = await list_standings(tx, [conversation_id], user_id)
    return found[0] if found else None


async def list_standings(
    tx: Tx, conversation_ids: Collection[UUID], user_id: UUID
) -> list[Standing]:
    """In those of these conversations that there are and this user takes part in."""
    return await tx.all(
        Standing,
        """SELECT c.*, coalesce(m.role, 'member') AS role, coalesce(m.joined_seq, 1) AS joined_seq,
                  coalesce(g.inviters, 0) AS inviters
           FROM conversations c
           LEFT JOIN groups g ON g.id = c.group_id
           LEFT JOIN group_members m ON m.group_id = c.group_id AND m.user_id = $2
           WHERE c.id = ANY($1) AND (m.user_id = $2 OR c.low_id = $2 OR c.high_id = $2)""",
        list(conversation_ids),
        user_id,
    )


async def list_participants(tx: Tx, conversation_id: UUID) -> list[UUID]:
    found = await tx.value(
        list[UUID],
        """SELECT array_agg(user_id) FROM (
               SELECT user_id FROM group_members WHERE group_id = $1
               UNION SELECT unnest(ARRAY[low_id, high_id]) FROM conversations
               WHERE id = $1 AND low_id IS NOT NULL) participants (user_id)""",
        conversation_id,
    )
    return found or []


async def list_conversations(
    tx: Tx, user_id: UUID, after: UUID | None, limit: int
) -> list[ConversationSummary]:
    """One's groups and direct conversations, in the order of their ids."""
    return await tx.all(
        ConversationSummary,
        """SELECT c.id AS conversation_id, c.group_id, c.epoch, c.seq, p.peer_id, p.joined_seq,
                  coalesce(r.seq, 0) AS read_seq,
                  EXISTS (SELECT FROM departures d WHERE d.conversation_id = c.id)
                      AS removal_pending
           FROM (
               SELECT group_id AS id, joined_seq, NULL::uuid AS peer_id
               FROM group_members WHERE user_id = $1
               UNION ALL
               SELECT id, 1, CASE WHEN low_id = $1 THEN high_id ELSE low_id END
               FROM conversations WHERE low_id = $1 OR high_id = $1
           ) p JOIN conversations c ON c.id = p.id
           LEFT JOIN read_positions r ON r.user_id = $1 AND r.conversation_id = c.id
           WHERE $2::uuid IS NULL OR c.id > $2
           ORDER BY c.id LIMIT $3""",
        user_id,
        after,
        limit,
    )


async def get_summary(tx: Tx, user_id: UUID, conversation_id: UUID) -> ConversationSummary | None:
    """None when there is no such conversation, or this user takes no part in it."""
    return await tx.one(
        ConversationSummary,
        """SELECT c.id AS conversation_id, c.group_id, c.epoch, c.seq,
                  CASE WHEN c.low_id = $1 THEN c.high_id ELSE c.low_id END AS peer_id,
                  coalesce(m.joined_seq, 1) AS joined_seq, coalesce(r.seq, 0) AS read_seq,
                  EXISTS (SELECT FROM departures d WHERE d.conversation_id = c.id)
                      AS removal_pending
           FROM conversations c
           LEFT JOIN group_members m ON m.group_id = c.group_id AND m.user_id = $1
           LEFT JOIN read_positions r ON r.user_id = $1 AND r.conversation_id = c.id
           WHERE c.id = $2 AND (m.user_id = $1 OR c.low_id = $1 OR c.high_id = $1)""",
        user_id,
        conversation_id,
    )


async def advance(
    tx: Tx, conversation_id: UUID, *, seq: int, chain: bytes, epoch: int | None = None
) -> None:
    """Move the heads on. The row is locked."""
    await tx.run(
        """UPDATE conversations SET seq = $2, chain = $3, epoch = coalesce($4, epoch)
           WHERE id = $1""",
        conversation_id,
        seq,
        chain,
        epoch,
    )


async def set_slow_mode(tx: Tx, conversation_id: UUID, seconds: int) -> None:
    await tx.run(
        "UPDATE conversations SET slow_mode_seconds = $2 WHERE id = $1", conversation_id, seconds
    )


async def list_conversation_ids(tx: Tx, user_id: UUID) -> list[UUID]:
    """Of everything this user takes part in."""
    found = await tx.value(
        list[UUID],
        """SELECT array_agg(id) FROM (
               SELECT group_id FROM group_members WHERE user_id = $1
               UNION ALL SELECT id FROM conversations WHERE low_id = $1 OR high_id = $1
           ) mine (id)""",
        user_id,
    )
    return found or []
