"""The statements that commit many messages in one transaction. Only the committer uses them.

Two round trips to a batch: lock and judge, then write and commit. The lock is a statement of its
own because, at READ COMMITTED, a statement sees the database as it was when it began: one that
waited for the lock and then looked for the member would still find somebody who was banned by the
transaction it waited for. The statement after it sees what that one left behind.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, LiteralString, NamedTuple, Self
from uuid import UUID

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.abc import PQGen
from psycopg.errors import LockNotAvailable
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow
from psycopg.waiting import READY_R, WAIT_RW

from coterie.protocol import limits
from coterie.protocol.header import CLIENT, CONVERSATION, DEVICE
from coterie.protocol.roles import Action, roles_that_may
from coterie.server.storage import arrays
from coterie.server.storage.arrays import Array, bigints, byteas, raw_uuids, uuids

_SENDERS = [role.value for role in roles_that_may(Action.SEND)]


class ConnectionLost(Exception):  # noqa: N818 - a state, and no fault of ours
    """PostgreSQL is gone, and with it the knowledge whether the last COMMIT happened."""


class StillLocked(Exception):  # noqa: N818
    """A conversation stayed locked by somebody else."""


class Sent(NamedTuple):
    """A message on its way into the log. `target` is the hash of what it replies to."""

    conversation_id: UUID
    sender_id: UUID
    device_id: UUID
    epoch: int
    target: bytes | None
    entry: bytes
    entry_hash: bytes
    file_ids: tuple[UUID, ...]


class Judged(NamedTuple):
    """What the database says of a message, under the lock of its conversation.

    `verdict` is accepted, repeated, taken, stranger, forbidden, blocked, stale, removal_pending,
    no_target, or busy. `recipient_id` is the other one of a direct conversation; `epoch`, `seq` and
    `chain` are the heads of the conversation; the last three tell of the first time of a repeated
    message.
    """

    verdict: str
    recipient_id: UUID | None
    epoch: int
    seq: int
    chain: bytes
    reply_to_id: int | None
    message_id: int
    first_seq: int
    created_at: datetime


class Numbered(NamedTuple):
    """An accepted message with its place in the log."""

    sent: Sent
    recipient_id: UUID | None
    reply_to_id: int | None
    seq: int
    chain: bytes


class Upload(NamedTuple):
    """A complete file that hangs on no message yet."""

    uploader_id: UUID
    conversation_id: UUID


class Batches:
    """A connection of its own, in one transaction from `judge` to `write`."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self._connection = connection
        self._cursor = connection.cursor(binary=True)

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Raises ConnectionLost."""
        try:
            return cls(await _connect(url))
        except OperationalError as error:
            raise ConnectionLost from error

    async def close(self) -> None:
        await self._connection.close()

    async def roll_back(self) -> None:
        """Raises ConnectionLost.

        So is one that cannot roll back: cut off in the middle of a pipeline it may look alive.
        """
        try:
            await self._connection.rollback()
        except Error as error:
            raise ConnectionLost from error

    async def judge(self, rows: Sequence[Sent], *, waiting: bool = True) -> list[Judged]:
        """Lock the conversations of `rows` and judge each row.

        Without `waiting`, those whose conversation is locked by somebody else are found busy.
        Raises StillLocked when waiting took too long, and ConnectionLost.
        """
        lock = _LOCK if waiting else _LOCK_FREE
        with self._faults():
            async with self._connection.pipeline():
                locked = self._connection.cursor(binary=True)
                await locked.execute(lock, (raw_uuids({_conversation(row) for row in rows}),))
                await self._cursor.execute(_JUDGE, _questions(rows))
                await self._connection.wait(_flush(self._connection.pgconn))
            judged = [Judged(*row) for row in await self._cursor.fetchall()]
            if waiting:
                return judged
            held = {row[0] for row in await locked.fetchall()}
        return [
            answer if row.conversation_id in held else _busy(answer)
            for row, answer in zip(rows, judged, strict=True)
        ]

    async def lock_uploads(self, file_ids: Iterable[UUID]) -> dict[UUID, Upload]:
        """Which of the files may still be attached, and by whom to what."""
        with self._faults():
            await self._cursor.execute(_LOCK_UPLOADS, (uuids(file_ids),))
            return {row[0]: Upload(row[1], row[2]) for row in await self._cursor.fetchall()}

    async def write(self, rows: Sequence[Numbered]) -> dict[bytes, tuple[int, datetime]]:
        """Write the messages, attach their files, move the heads and commit.

        Returns the id and the time of each, by its hash. Raises ConnectionLost: committed or not.
        """
        attached = [(file_id, row.sent) for row in rows for file_id in row.sent.file_ids]
        with self._faults():
            async with self._connection.pipeline():
                await self._cursor.execute(_WRITE, _columns(rows))
                if attached:
                    await self._connection.execute(_ATTACH, _attachments(attached))
                await self._connection.wait(_flush(self._connection.pgconn))
                await self._connection.commit()
            return {row[0]: (row[1], row[2]) for row in await self._cursor.fetchall()}

    @contextmanager
    def _faults(self) -> Generator[None]:
        """Tell a lost connection and an endless lock from what is wrong with a statement."""
        try:
            yield
        except LockNotAvailable as error:
            raise StillLocked from error
        except Error as error:
            if self._connection.closed:
                raise ConnectionLost from error
            raise


async def _connect(url: str) -> AsyncConnection[TupleRow]:
    connection = await AsyncConnection.connect(url, prepare_threshold=0)
    arrays.register(connection)
    await connection.execute(
        "SELECT set_config('lock_timeout', %s, false)", (f"{limits.LOCK_SECONDS}s",)
    )
    for setting in _SETTINGS:
        await connection.execute(setting)
    await connection.commit()
    return connection


def _flush(connection: PGconn) -> PQGen[None]:
    """Write until the socket has taken all of a pipeline, while PostgreSQL may answer already.

    psycopg tries once, and with the rest of a heavy batch unwritten would wait for its answer.
    """
    while connection.flush():
        if (yield WAIT_RW) & READY_R:
            connection.consume_input()


def _busy(judged: Judged) -> Judged:
    """Without the lock only a stranger's case is clear."""
    return judged if judged.verdict == "stranger" else judged._replace(verdict="busy")


def _questions(rows: Sequence[Sent]) -> dict[str, Any]:
    return {
        "sender_ids": uuids([row.sender_id for row in rows]),
        **_header_ids(rows),
        "epochs": bigints([row.epoch for row in rows]),
        "targets": byteas([row.target for row in rows]),
        "roles": _SENDERS,
    }


def _columns(rows: Sequence[Numbered]) -> dict[str, Any]:
    sent = [row.sent for row in rows]
    last = {_conversation(row.sent): row for row in rows}
    return {
        "sender_ids": uuids([row.sender_id for row in sent]),
        "recipient_ids": uuids([row.recipient_id for row in rows]),
        **_header_ids(sent),
        "reply_to_ids": bigints([row.reply_to_id for row in rows]),
        "seqs": bigints([row.seq for row in rows]),
        "epochs": bigints([row.epoch for row in sent]),
        "contents": byteas([row.entry for row in sent]),
        "hashes": byteas([row.entry_hash for row in sent]),
        "chains": byteas([row.chain for row in rows]),
        "advanced_ids": raw_uuids(last),
        "last_seqs": bigints([row.seq for row in last.values()]),
        "last_chains": byteas([row.chain for row in last.values()]),
    }


def _conversation(row: Sent) -> bytes:
    return row.entry[CONVERSATION]


def _header_ids(rows: Sequence[Sent]) -> dict[str, Array]:
    """Straight from the headers: they are needed as bytes, and twice for each message."""
    return {
        "conversation_ids": raw_uuids([row.entry[CONVERSATION] for row in rows]),
        "device_ids": raw_uuids([row.entry[DEVICE] for row in rows]),
        "client_ids": raw_uuids([row.entry[CLIENT] for row in rows]),
    }


def _attachments(attached: Sequence[tuple[UUID, Sent]]) -> tuple[Any, ...]:
    return (
        uuids([file_id for file_id, _ in attached]),
        uuids([sent.conversation_id for _, sent in attached]),
        byteas([sent.entry_hash for _, sent in attached]),
    )


# A plan is made once, perhaps while the tables are empty, and has to hold when they are full. For
# that no table is read whole here, and each question is a lookup of its own (LATERAL … LIMIT 1).
_SETTINGS: tuple[LiteralString, ...] = (
    "SET timezone = 'UTC'",
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)

_LOCK = """
SELECT id FROM conversations WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

_LOCK_FREE = """
SELECT id FROM conversations WHERE id = ANY(%b::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

_JUDGE = """
SELECT
    CASE
        WHEN member.role IS NULL AND sent.sender_id NOT IN (here.low_id, here.high_id)
            IS NOT FALSE THEN 'stranger'
        WHEN member.role <> ALL(%(roles)b::text[]) THEN 'forbidden'
        WHEN earlier.conversation_id <> here.id THEN 'taken'
        WHEN earlier.id IS NOT NULL THEN 'repeated'
        WHEN here.group_id IS NULL AND EXISTS (
            SELECT FROM blocks WHERE blocker_id = peer.id AND blocked_id = sent.sender_id
        ) THEN 'blocked'
        WHEN sent.epoch <> here.epoch THEN 'stale'
        WHEN EXISTS (SELECT FROM departures WHERE conversation_id = here.id)
            THEN 'removal_pending'
        WHEN sent.target IS NOT NULL
            AND (target.id IS NULL OR target.seq < COALESCE(member.joined_seq, 0)) THEN 'no_target'
        ELSE 'accepted'
    END,
    peer.id, here.epoch, here.seq, here.chain, target.id, earlier.id, earlier.seq,
    earlier.created_at
FROM unnest(
    %(conversation_ids)b::uuid[], %(sender_ids)b::uuid[], %(device_ids)b::uuid[],
    %(client_ids)b::uuid[], %(epochs)b::bigint[], %(targets)b::bytea[]
) WITH ORDINALITY AS sent(conversation_id, sender_id, device_id, client_id, epoch, target, place)
LEFT JOIN conversations here ON here.id = sent.conversation_id
CROSS JOIN LATERAL (
    SELECT CASE sent.sender_id WHEN here.low_id THEN here.high_id ELSE here.low_id END
) peer(id)
LEFT JOIN LATERAL (
    SELECT role, joined_seq FROM group_members
    WHERE group_id = here.group_id AND user_id = sent.sender_id LIMIT 1
) member ON TRUE
LEFT JOIN LATERAL (
    SELECT id, seq, conversation_id, created_at FROM messages
    WHERE device_id = sent.device_id AND client_id = sent.client_id LIMIT 1
) earlier ON TRUE
LEFT JOIN LATERAL (
    SELECT id, seq FROM messages
    WHERE conversation_id = here.id AND entry_hash = sent.target AND deleted_at IS NULL LIMIT 1
) target ON TRUE
ORDER BY sent.place
"""

_LOCK_UPLOADS = """
SELECT id, uploader_id, COALESCE(conversation_id, direct_conversation_id) FROM files
WHERE id = ANY(%b::uuid[]) AND uploaded_at IS NOT NULL AND message_id IS NULL
ORDER BY id FOR NO KEY UPDATE
"""

_WRITE = """
WITH advanced AS (
    UPDATE conversations SET seq = head.seq, chain = head.chain
    FROM unnest(
        %(advanced_ids)b::uuid[], %(last_seqs)b::bigint[], %(last_chains)b::bytea[]
    ) AS head(id, seq, chain)
    WHERE conversations.id = head.id
)
INSERT INTO messages (
    sender_id, recipient_id, group_id, conversation_id, reply_to_id, seq, epoch, device_id,
    client_id, content_ciphertext, entry_hash, chain
)
SELECT
    sender_id, recipient_id, CASE WHEN recipient_id IS NULL THEN conversation_id END,
    conversation_id, reply_to_id, seq, epoch, device_id, client_id, content, hash, chain
FROM unnest(
    %(sender_ids)b::uuid[], %(recipient_ids)b::uuid[], %(conversation_ids)b::uuid[],
    %(reply_to_ids)b::bigint[], %(seqs)b::bigint[], %(epochs)b::bigint[],
    %(device_ids)b::uuid[], %(client_ids)b::uuid[], %(contents)b::bytea[], %(hashes)b::bytea[],
    %(chains)b::bytea[]
) WITH ORDINALITY AS numbered(
    sender_id, recipient_id, conversation_id, reply_to_id, seq, epoch, device_id, client_id,
    content, hash, chain, place
)
ORDER BY place
RETURNING entry_hash, id, created_at
"""

_ATTACH = """
UPDATE files SET message_id = messages.id
FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[]) AS attached(file_id, conversation_id, hash)
JOIN messages
    ON messages.conversation_id = attached.conversation_id AND messages.entry_hash = attached.hash
WHERE files.id = attached.file_id
"""
