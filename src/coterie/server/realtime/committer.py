"""Group commit: the messages that arrived during one commit share the next.

There is no timer and no minimum: with one sender a batch is one message, under load it grows by
itself. Nobody is answered, and nothing is announced, before COMMIT has returned.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from coterie.protocol import limits
from coterie.protocol.commands import Accepted, Entry, SendMessage
from coterie.protocol.errors import Internal, RateLimited, Refusal, Refused, Unavailable
from coterie.protocol.header import CLIENT, DEVICE, EntryKind
from coterie.server.operations.access import Actor
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.judgement import Verdict, check, decide
from coterie.server.storage.batches import (
    Batches,
    ConnectionLost,
    Judged,
    Numbered,
    Sent,
    StillLocked,
)
from coterie.server.storage.outbox import EntryAnnounced

CONNECT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.05
DRAIN_SECONDS: Final = 5.0
NAME: Final = slice(DEVICE.start, CLIENT.stop)
"""Where an entry's header says which message of which device it is."""

log = structlog.get_logger()


class Pending(NamedTuple):
    """A message whose sender waits."""

    sent: Sent
    answer: asyncio.Future[Accepted]


class Committer:
    """Writes messages. See `running_committer`."""

    def __init__(self, url: str, hub: Hub) -> None:
        self._url = url
        self._hub = hub
        self._queue: deque[Pending] = deque()
        self._arrived = asyncio.Event()
        self._batch: Sequence[Pending] = ()
        self._batches: Batches | None = None
        self._closing = False

    async def send(self, actor: Actor, command: SendMessage) -> Accepted:
        """Write a message; it is durable when this returns. Raises Refused."""
        sent = check(actor, command)
        if self._closing:
            raise Refused(Unavailable())
        if len(self._queue) >= limits.QUEUE_MESSAGES:
            raise Refused(RateLimited(retry_after=1))
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._queue.append(Pending(sent, answer))
        self._arrived.set()
        return await answer

    async def supervise(self) -> None:
        """Keep a committing task alive; whoever waits for one that dies is told Unavailable."""
        while True:
            task = asyncio.create_task(self._commit_for_ever(), name="committer")
            try:
                await asyncio.wait([task])
                log.error("committer.died", error=_name_of_end(task))
            finally:
                task.cancel()
                await self._disconnect()
                _refuse(self._batch, Unavailable())
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Take no more, and commit what is queued unless that takes too long."""
        self._closing = True
        waiting = [pending.answer for pending in (*self._batch, *self._queue)]
        if waiting:
            await asyncio.wait(waiting, timeout=DRAIN_SECONDS)
        _refuse(self._queue, Unavailable())

    async def _commit_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._batch = self._take()
            await self._settle(self._batch)
            self._batch = ()

    def _take(self) -> list[Pending]:
        """The next batch: all that waits, within the limits.

        What depends on a message of this batch (its repetition, a reply to it) waits for the next,
        when the database knows it.
        """
        batch: list[Pending] = []
        later: list[Pending] = []
        names: set[object] = set()
        size = 0
        while self._queue and len(batch) < limits.BATCH_MESSAGES and size < limits.BATCH_BYTES:
            pending = self._queue.popleft()
            sent = pending.sent
            name = sent.entry[NAME]
            if name in names or sent.target in names:
                later.append(pending)
                continue
            names.update((name, sent.entry_hash))
            batch.append(pending)
            size += len(sent.entry)
        self._queue.extendleft(reversed(later))
        if not self._queue:
            self._arrived.clear()
        return batch

    async def _settle(self, batch: Sequence[Pending]) -> None:
        """Commit the batch; everybody in it is answered when this returns.

        When the connection is lost during COMMIT nobody knows its outcome. So the batch is sent
        once more: what was written is then found to be repeated.
        """
        for _ in range(2):
            batches = await self._connected()
            if batches is None:
                break
            try:
                await self._bisect(batches, [one for one in batch if not one.answer.done()])
            except ConnectionLost:
                log.warning("committer.disconnected")
                await self._disconnect()
            else:
                return
        _refuse(batch, Unavailable())

    async def _bisect(self, batches: Batches, batch: Sequence[Pending]) -> None:
        """Commit the batch, or after an unexpected error its halves: one row fails alone.

        Raises ConnectionLost.
        """
        if not batch:
            return
        try:
            await self._commit(batches, batch)
        except ConnectionLost:
            raise
        except Exception as error:
            await batches.roll_back()
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            middle = len(batch) // 2
            await self._bisect(batches, batch[:middle])
            await self._bisect(batches, batch[middle:])

    async def _commit(self, batches: Batches, batch: Sequence[Pending]) -> None:
        rows = [pending.sent for pending in batch]
        judged = await _judge(batches, rows)
        file_ids = [file_id for row in rows for file_id in row.file_ids]
        uploads = await batches.lock_uploads(file_ids) if file_ids else {}
        verdicts = list(decide(zip(rows, judged, strict=True), uploads))
        numbered = [verdict for verdict in verdicts if isinstance(verdict, Numbered)]
        written = await batches.write(numbered) if numbered else {}
        if not numbered:
            await batches.roll_back()
        self._publish(zip(batch, verdicts, strict=True), written)

    def _publish(
        self,
        verdicts: Iterable[tuple[Pending, Verdict]],
        written: Mapping[bytes, tuple[int, datetime]],
    ) -> None:
        """Answer everybody, and announce while the next batch is already on its way."""
        announcements: list[EntryAnnounced] = []
        for pending, verdict in verdicts:
            if isinstance(verdict, Numbered):
                message_id, at = written[verdict.sent.entry_hash]
                _answer(pending, Accepted(message_id=message_id, seq=verdict.seq, created_at=at))
                announcements.append(_announcement(verdict, message_id, at))
            else:
                _answer(pending, verdict)
        asyncio.get_running_loop().call_soon(self._hub.announce, announcements)

    async def _connected(self) -> Batches | None:
        """The connection, made anew if need be; None when PostgreSQL does not answer."""
        deadline = asyncio.get_running_loop().time() + CONNECT_SECONDS
        while self._batches is None:
            try:
                self._batches = await Batches.connect(self._url)
            except ConnectionLost:
                if asyncio.get_running_loop().time() > deadline:
                    return None
                await asyncio.sleep(RETRY_SECONDS)
        return self._batches

    async def _disconnect(self) -> None:
        batches, self._batches = self._batches, None
        if batches:
            await batches.close()


@asynccontextmanager
async def running_committer(url: str, hub: Hub) -> AsyncGenerator[Committer]:
    """A committer at work; leaving it commits what is queued."""
    committer = Committer(url, hub)
    supervisor = asyncio.create_task(committer.supervise(), name="committer's supervisor")
    try:
        yield committer
    finally:
        await committer.close()
        supervisor.cancel()
        with suppress(asyncio.CancelledError):
            await supervisor


async def _judge(batches: Batches, rows: Sequence[Sent]) -> list[Judged]:
    """Judge the rows; a conversation that stays locked holds up nobody but its own senders."""
    try:
        return await batches.judge(rows)
    except StillLocked:
        await batches.roll_back()
        return await batches.judge(rows, waiting=False)


def _announcement(numbered: Numbered, message_id: int, created_at: datetime) -> EntryAnnounced:
    sent = numbered.sent
    entry = Entry(
        seq=numbered.seq,
        kind=EntryKind.MESSAGE,
        epoch=sent.epoch,
        sender_id=sent.sender_id,
        device_id=sent.device_id,
        message_id=message_id,
        content=sent.entry,
        hash=sent.entry_hash,
        created_at=created_at,
    )
    return EntryAnnounced(sent.conversation_id, entry)


def _answer(pending: Pending, outcome: Accepted | Refusal) -> None:
    """Wake the sender, unless it has gone away meanwhile."""
    if pending.answer.done():
        return
    if isinstance(outcome, Accepted):
        pending.answer.set_result(outcome)
    else:
        pending.answer.set_exception(Refused(outcome))


def _refuse(batch: Iterable[Pending], refusal: Refusal) -> None:
    for pending in batch:
        _answer(pending, refusal)


def _fail(pending: Pending, error: Exception) -> None:
    """The error's text may hold contents: only its kind is logged."""
    incident = secrets.token_hex(4)
    log.error(
        "committer.failed",
        incident=incident,
        error=type(error).__name__,
        conversation_id=str(pending.sent.conversation_id),
    )
    _answer(pending, Internal(incident))


def _name_of_end(task: asyncio.Task[None]) -> str:
    return "cancelled" if task.cancelled() else type(task.exception()).__name__
