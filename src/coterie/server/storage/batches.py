"""The statements that commit many messages in one transaction. Only the committer uses them.

Two round trips to a batch: lock and judge, then write and commit. The lock is a statement of its
own because, at READ COMMITTED, a statement sees the database as it was when it began: one that
waited for the lock and then looked for the member would still find somebody who was banned by the
transaction it waited for. The statement after it sees what that one left behind.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString, NamedTuple, Self
from uuid import UUID

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from coterie.protocol import limits
from coterie.protocol.header import CLIENT, CONVERSATION, DEVICE
from coterie.protocol.roles import Action, roles_that_may
from coterie.server.storage.arrays import bigints, byteas, raw_uuids, texts, uuids
from coterie.server.storage.exchange import Call, Exchange, Statement

_SENDERS = texts(role.value for role in roles_that_may(Action.SEND))
_UNHURRIED = texts(role.value for role in roles_that_may(Action.SKIP_SLOW_MODE))


class ConnectionLost(Exception):  # noqa: N818 - a state, and no fault of ours
    """PostgreSQL is gone, and with it the knowledge whether the last COMMIT happened."""


class StillLocked(Exception):  # noqa: N818
    """A conversation stayed locked by somebody else."""


class NotForNow(Exception):  # noqa: N818
    """PostgreSQL is there and cannot write: its disk is full, perhaps."""


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

    `verdict` is accepted, repeated, taken, stranger, forbidden, blocked, slow, stale,
    removal_pending, no_target, or busy. `recipient_id` is the other one of a direct conversation;
    `epoch`, `seq` and `chain` are the heads of the conversation; `message_id`, `first_seq` and
    `created_at` tell of the first time of a repeated message. `pause` is the seconds between two
    messages that slow mode asks of this sender, 0 for none, and `wait` what is left of them.
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
    pause: int
    wait: int


class Numbered(NamedTuple):
    """An accepted message with its place in the log. `slowed`: the next one has to wait."""

    sent: Sent
    recipient_id: UUID | None
    reply_to_id: int | None
    seq: int
    chain: bytes
    slowed: bool = False


class Upload(NamedTuple):
    """A complete file that hangs on no message yet."""

    uploader_id: UUID
    conversation_id: UUID


class Batches:
    """A connection of its own, in one transaction from `judge` to `write`."""

    def __init__(self, connection: AsyncConnection[TupleRow], exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Raises ConnectionLost."""
        try:
            connection = await _connect(url)
            return cls(connection, await Exchange.open(connection, _STATEMENTS))
        except OperationalError as error:
            raise ConnectionLost from error

    async def close(self) -> None:
        await self._connection.close()

    async def roll_back(self) -> None:
        """Raises ConnectionLost, also for one that merely looks alive."""
        try:
            await self._exchange.run(Call(_ROLL_BACK))
        except Error as error:
            raise ConnectionLost from error

    async def judge(self, rows: Sequence[Sent], *, waiting: bool = True) -> list[Judged]:
        """Lock the conversations of `rows` and judge each row.

        Without `waiting`, those whose conversation is locked by somebody else are found busy.
        Raises StillLocked when waiting took too long, and ConnectionLost.
        """
        lock = Call(
            _LOCK if waiting else _LOCK_FREE, [raw_uuids({_conversation(row) for row in rows})]
        )
        with self._faults():
            _, locked, judged = await self._exchange.run(
                Call(_BEGIN), lock, Call(_JUDGE, _questions(rows))
            )
        answers = [Judged(*row) for row in judged]
        if waiting:
            return answers
        held = {row[0] for row in locked}
        return [
            answer if row.conversation_id in held else _busy(answer)
            for row, answer in zip(rows, answers, strict=True)
        ]

    async def lock_uploads(self, file_ids: Iterable[UUID]) -> dict[UUID, Upload]:
        """Which of the files may still be attached, and by whom to what."""
        with self._faults():
            (found,) = await self._exchange.run(Call(_LOCK_UPLOADS, [uuids(file_ids)]))
        return {row[0]: Upload(row[1], row[2]) for row in found}

    async def write(self, rows: Sequence[Numbered]) -> dict[bytes, tuple[int, datetime]]:
        """Write the messages, attach their files, note who spoke, move the heads and commit.

        Returns the id and the time of each, by its hash. Raises ConnectionLost: committed or not.
        """
        attached = [(file_id, row.sent) for row in rows for file_id in row.sent.file_ids]
        attaching = [Call(_ATTACH, _attachments(attached))] if attached else []
        slowed = [row.sent for row in rows if row.slowed]
        noting = [Call(_NOTE_SPOKEN, _speakers(slowed))] if slowed else []
        with self._faults():
            written, *_ = await self._exchange.run(
                Call(_WRITE, _columns(rows)), *attaching, *noting, Call(_COMMIT)
            )
        return {row[0]: (row[1], row[2]) for row in written}

    @contextmanager
    def _faults(self) -> Generator[None]:
        """Tell what passes (a lost connection, a long lock, a full disk) from what is wrong with
        a statement."""
        try:
            yield
        except LockNotAvailable as error:
            raise StillLocked from error
        except Error as error:
            if self._connection.closed:
                raise ConnectionLost from error
            if isinstance(error, OperationalError):
                raise NotForNow from error
            raise


async def _connect(url: str) -> AsyncConnection[TupleRow]:
    connection = await AsyncConnection.connect(url, autocommit=True)
    await connection.execute(
        "SELECT set_config('lock_timeout', %s, false)", (f"{limits.LOCK_SECONDS}s",)
    )
    for setting in _SETTINGS:
        await connection.execute(setting)
    return connection


def _busy(judged: Judged) -> Judged:
    """Without the lock only a stranger's case is clear."""
    return judged if judged.verdict == "stranger" else judged._replace(verdict="busy")


def _questions(rows: Sequence[Sent]) -> list[bytes]:
    return [
        raw_uuids([row.entry[CONVERSATION] for row in rows]),
        uuids([row.sender_id for row in rows]),
        raw_uuids([row.entry[DEVICE] for row in rows]),
        raw_uuids([row.entry[CLIENT] for row in rows]),
        bigints([row.epoch for row in rows]),
        byteas([row.target for row in rows]),
        _SENDERS,
        _UNHURRIED,
    ]


def _columns(rows: Sequence[Numbered]) -> list[bytes]:
    sent = [row.sent for row in rows]
    last = {_conversation(row.sent): row for row in rows}
    return [
        raw_uuids(last),
        bigints([row.seq for row in last.values()]),
        byteas([row.chain for row in last.values()]),
        uuids([row.sender_id for row in sent]),
        uuids([row.recipient_id for row in rows]),
        raw_uuids([row.entry[CONVERSATION] for row in sent]),
        bigints([row.reply_to_id for row in rows]),
        bigints([row.seq for row in rows]),
        bigints([row.epoch for row in sent]),
        raw_uuids([row.entry[DEVICE] for row in sent]),
        raw_uuids([row.entry[CLIENT] for row in sent]),
        byteas([row.entry for row in sent]),
        byteas([row.entry_hash for row in sent]),
        byteas([row.chain for row in rows]),
    ]


def _attachments(attached: Sequence[tuple[UUID, Sent]]) -> list[bytes]:
    return [
        uuids([file_id for file_id, _ in attached]),
        uuids([sent.conversation_id for _, sent in attached]),
        byteas([sent.entry_hash for _, sent in attached]),
    ]


def _speakers(slowed: Sequence[Sent]) -> list[bytes]:
    return [
        uuids([sent.conversation_id for sent in slowed]),
        uuids([sent.sender_id for sent in slowed]),
    ]


def _conversation(row: Sent) -> bytes:
    return row.entry[CONVERSATION]


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

_BEGIN = Statement("begin", "BEGIN")

_COMMIT = Statement("commit", "COMMIT")

_ROLL_BACK = Statement("roll_back", "ROLLBACK")

_LOCK = Statement(
    "lock",
    """
SELECT id FROM conversations WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
""",
)

_LOCK_FREE = Statement(
    "lock_free",
    """
SELECT id FROM conversations WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
""",
)

_JUDGE = Statement(
    "judge",
    """
SELECT
    CASE
        WHEN member.role IS NULL AND sent.sender_id NOT IN (here.low_id, here.high_id)
            IS NOT FALSE THEN 'stranger'
        WHEN member.role <> ALL($7::text[]) THEN 'forbidden'
        WHEN earlier.conversation_id <> here.id THEN 'taken'
        WHEN earlier.id IS NOT NULL THEN 'repeated'
        WHEN here.group_id IS NULL AND EXISTS (
            SELECT FROM blocks WHERE blocker_id = peer.id AND blocked_id = sent.sender_id
        ) THEN 'blocked'
        WHEN pause.wait > 0 THEN 'slow'
        WHEN sent.epoch <> here.epoch THEN 'stale'
        WHEN EXISTS (SELECT FROM departures WHERE conversation_id = here.id)
            THEN 'removal_pending'
        WHEN sent.target IS NOT NULL
            AND (target.id IS NULL OR target.seq < COALESCE(member.joined_seq, 0)) THEN 'no_target'
        ELSE 'accepted'
    END,
    peer.id, here.epoch, here.seq, here.chain, target.id, earlier.id, earlier.seq,
    earlier.created_at, pause.seconds, pause.wait
FROM unnest(
    $1::uuid[], $2::uuid[], $3::uuid[],
    $4::uuid[], $5::bigint[], $6::bytea[]
) WITH ORDINALITY AS sent(conversation_id, sender_id, device_id, client_id, epoch, target, place)
LEFT JOIN conversations here ON here.id = sent.conversation_id
CROSS JOIN LATERAL (
    SELECT CASE sent.sender_id WHEN here.low_id THEN here.high_id ELSE here.low_id END
) peer(id)
LEFT JOIN LATERAL (
    SELECT role, joined_seq, spoke_at FROM group_members
    WHERE group_id = here.group_id AND user_id = sent.sender_id LIMIT 1
) member ON TRUE
CROSS JOIN LATERAL (
    SELECT seconds, CASE WHEN seconds > 0 THEN GREATEST(
        0, COALESCE(CEIL(EXTRACT(EPOCH FROM member.spoke_at - now()) + seconds), 0)
    ) ELSE 0 END::integer
    FROM (SELECT CASE WHEN member.role <> ALL($8::text[]) THEN here.slow_mode_seconds ELSE 0 END)
        AS asked(seconds)
) pause(seconds, wait)
LEFT JOIN LATERAL (
    SELECT id, seq, conversation_id, created_at FROM messages
    WHERE device_id = sent.device_id AND client_id = sent.client_id LIMIT 1
) earlier ON TRUE
LEFT JOIN LATERAL (
    SELECT id, seq FROM messages
    WHERE conversation_id = here.id AND entry_hash = sent.target AND deleted_at IS NULL LIMIT 1
) target ON TRUE
ORDER BY sent.place
""",
)

_LOCK_UPLOADS = Statement(
    "lock_uploads",
    """
SELECT id, uploader_id, COALESCE(conversation_id, direct_conversation_id) FROM files
WHERE id = ANY($1::uuid[]) AND uploaded_at IS NOT NULL AND message_id IS NULL
ORDER BY id FOR NO KEY UPDATE
""",
)

_WRITE = Statement(
    "write",
    """
WITH advanced AS (
    UPDATE conversations SET seq = head.seq, chain = head.chain
    FROM unnest(
        $1::uuid[], $2::bigint[], $3::bytea[]
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
    $4::uuid[], $5::uuid[], $6::uuid[],
    $7::bigint[], $8::bigint[], $9::bigint[],
    $10::uuid[], $11::uuid[], $12::bytea[], $13::bytea[],
    $14::bytea[]
) WITH ORDINALITY AS numbered(
    sender_id, recipient_id, conversation_id, reply_to_id, seq, epoch, device_id, client_id,
    content, hash, chain, place
)
ORDER BY place
RETURNING entry_hash, id, created_at
""",
)

_ATTACH = Statement(
    "attach",
    """
UPDATE files SET message_id = messages.id
FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS attached(file_id, conversation_id, hash)
JOIN messages
    ON messages.conversation_id = attached.conversation_id AND messages.entry_hash = attached.hash
WHERE files.id = attached.file_id
""",
)

_NOTE_SPOKEN = Statement(
    "note_spoken",
    """
UPDATE group_members SET spoke_at = now()
FROM unnest($1::uuid[], $2::uuid[]) AS spoken(group_id, user_id)
WHERE group_members.group_id = spoken.group_id AND group_members.user_id = spoken.user_id
""",
)

_STATEMENTS = (
    _BEGIN,
    _COMMIT,
    _ROLL_BACK,
    _LOCK,
    _LOCK_FREE,
    _JUDGE,
    _LOCK_UPLOADS,
    _WRITE,
    _ATTACH,
    _NOTE_SPOKEN,
)
