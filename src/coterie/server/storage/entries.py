"""The log of a conversation: messages and everything else, in one gap-free sequence."""

from collections.abc import Mapping
from uuid import UUID

from coterie.protocol.header import EntryKind
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Entry
from coterie.server.storage.views import LogEntry, NewLogEntry


async def add_entry(
    tx: Tx,
    *,
    conversation_id: UUID,
    seq: int,
    kind: EntryKind,
    epoch: int,
    sender_id: UUID,
    device_id: UUID,
    client_id: UUID | None,
    message_id: int | None,
    content: bytes,
    entry_hash: bytes,
    chain: bytes,
) -> Entry:
    added = await tx.one(
        Entry,
        """INSERT INTO entries (conversation_id, seq, kind, epoch, sender_id, device_id, client_id,
                                message_id, content, entry_hash, chain)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *""",
        conversation_id,
        seq,
        int(kind),
        epoch,
        sender_id,
        device_id,
        client_id,
        message_id,
        content,
        entry_hash,
        chain,
    )
    assert added is not None  # noqa: S101 - an INSERT that does not raise returns its row
    return added


async def get_sent_entry(tx: Tx, device_id: UUID, client_id: UUID) -> Entry | None:
    """What this device sent under `client_id` before."""
    return await tx.one(
        Entry,
        "SELECT * FROM entries WHERE device_id = $1 AND client_id = $2",
        device_id,
        client_id,
    )


async def get_commit(tx: Tx, conversation_id: UUID, epoch: int) -> Entry | None:
    """The commit that made `epoch`."""
    return await tx.one(
        Entry,
        "SELECT * FROM entries WHERE conversation_id = $1 AND epoch = $2 AND kind = 7",
        conversation_id,
        epoch,
    )


async def has_statement(tx: Tx, conversation_id: UUID, sender_id: UUID, entry_hash: bytes) -> bool:
    found = await tx.value(
        int,
        """SELECT 1 FROM entries WHERE conversation_id = $1 AND sender_id = $2
             AND kind = 6 AND entry_hash = $3 LIMIT 1""",
        conversation_id,
        sender_id,
        entry_hash,
    )
    return found is not None


async def get_chain(tx: Tx, conversation_id: UUID, seq: int) -> bytes | None:
    """The chain value at entry `seq`; None before the first."""
    return await tx.value(
        bytes,
        """SELECT chain FROM messages WHERE conversation_id = $1 AND seq = $2
           UNION ALL SELECT chain FROM entries WHERE conversation_id = $1 AND seq = $2""",
        conversation_id,
        seq,
    )


async def list_entries(
    tx: Tx, conversation_id: UUID, *, after: int, limit: int, byte_limit: int
) -> list[LogEntry]:
    """The entries after `after`, oldest first: at most `limit`, in `byte_limit`, but at least one.

    One statement, whatever the page holds: the sequence has no gaps, so a range is a page.
    """
    return await tx.all(
        LogEntry,
        """WITH page AS (
               SELECT seq, 1 AS kind, epoch, sender_id, device_id, id AS message_id,
                      content_ciphertext AS content, entry_hash AS hash, chain, created_at
               FROM messages WHERE conversation_id = $1 AND seq > $2 AND seq <= $2 + $3::bigint
               UNION ALL
               SELECT seq, kind, epoch, sender_id, device_id, message_id, content, entry_hash,
                      chain, created_at
               FROM entries WHERE conversation_id = $1 AND seq > $2 AND seq <= $2 + $3::bigint
           ), sized AS (
               SELECT *, sum(coalesce(octet_length(content), 0)) OVER (ORDER BY seq) AS bytes
               FROM page
           )
           SELECT seq, kind, epoch, sender_id, device_id, message_id, content, hash, chain,
                  created_at
           FROM sized WHERE bytes <= $4::bigint OR seq = $2 + 1 ORDER BY seq""",
        conversation_id,
        after,
        limit,
        byte_limit,
    )


async def list_new_entries(
    tx: Tx, after: Mapping[UUID, int], *, limit: int, total: int, byte_limit: int
) -> list[NewLogEntry]:
    """As `list_entries`, of several conversations, each with what it follows: at most `limit` of
    each, `total` of all and in `byte_limit` together, but at least one. One statement, whatever
    they are."""
    return await tx.all(
        NewLogEntry,
        """WITH page AS (
               SELECT asked.place, entry.*
               FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS asked (id, after, place),
                    LATERAL (
                        SELECT seq, 1 AS kind, epoch, sender_id, device_id, id AS message_id,
                               content_ciphertext AS content, entry_hash AS hash, chain,
                               created_at, conversation_id
                        FROM messages WHERE conversation_id = asked.id
                          AND seq > asked.after AND seq <= asked.after + $3::bigint
                        UNION ALL
                        SELECT seq, kind, epoch, sender_id, device_id, message_id, content,
                               entry_hash, chain, created_at, conversation_id
                        FROM entries WHERE conversation_id = asked.id
                          AND seq > asked.after AND seq <= asked.after + $3::bigint
                    ) entry
           ), sized AS (
               SELECT *, row_number() OVER listed AS number,
                      sum(coalesce(octet_length(content), 0)) OVER listed AS bytes
               FROM page WINDOW listed AS (ORDER BY place, seq)
           )
           SELECT seq, kind, epoch, sender_id, device_id, message_id, content, hash, chain,
                  created_at, conversation_id
           FROM sized WHERE bytes <= $4::bigint AND number <= $5::bigint OR number = 1
           ORDER BY place, seq""",
        list(after),
        list(after.values()),
        limit,
        byte_limit,
        total,
    )


async def list_commits(
    tx: Tx, conversation_id: UUID, *, after_epoch: int, limit: int, byte_limit: int
) -> list[bytes]:
    """The commits that made the epochs after `after_epoch`, in order: at most `limit`, in
    `byte_limit`, but at least one."""
    commits = await tx.value(
        list[bytes],
        """SELECT array_agg(content ORDER BY epoch) FROM (
               SELECT epoch, content, sum(octet_length(content)) OVER (ORDER BY epoch) AS bytes
               FROM entries WHERE conversation_id = $1 AND kind = 7
                 AND epoch > $2 AND epoch <= $2 + $3::bigint
           ) commits WHERE bytes <= $4::bigint OR epoch = $2 + 1""",
        conversation_id,
        after_epoch,
        limit,
        byte_limit,
    )
    return commits or []
