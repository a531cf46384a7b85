"""A batch of messages on its way into the log: judged, written, and each sender answered."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from coterie.protocol.commands import Accepted, Entry
from coterie.protocol.errors import Internal, Refusal, Refused, Unavailable
from coterie.protocol.header import CLIENT, DEVICE, EntryKind
from coterie.server.metrics import BATCHES, MESSAGES
from coterie.server.operations.budgets import Budget
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.judgement import Verdict, decide
from coterie.server.storage.batches import (
    Batches,
    ConnectionLost,
    Judged,
    NotForNow,
    Numbered,
    Sent,
    StillLocked,
)
from coterie.server.storage.outbox import EntryAnnounced

CONNECT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.05
NAME: Final = slice(DEVICE.start, CLIENT.stop)
"""Where an entry's header says which message of which device it is."""

log = structlog.get_logger()


class Pending(NamedTuple):
    """A message whose sender waits."""

    sent: Sent
    answer: asyncio.Future[Accepted]

    @property
    def names(self) -> tuple[bytes, bytes]:
        """By what another message may depend on this one."""
        return self.sent.entry[NAME], self.sent.entry_hash

    def depends_on(self, names: set[bytes]) -> bool:
        """Whether it repeats, or replies to, one of these."""
        return self.sent.entry[NAME] in names or self.sent.target in names


class Lane:
    """Writes one batch at a time, on a connection of its own."""

    def __init__(self, url: str, hub: Hub, budget: Budget) -> None:
        self.batch: Sequence[Pending] = ()
        self._budget = budget
        self._url = url
        self._hub = hub
        self._batches: Batches | None = None

    async def settle(self, judged: Callable[[], Awaitable[None]]) -> None:
        """Commit the batch; everybody in it is answered when this returns.

        `judged` is called once the conversations are locked and the database has been asked.
        When the connection is lost during COMMIT nobody knows its outcome. So the batch is sent
        once more: what was written is then found to be repeated.
        """
        for _ in range(2):
            waiting = [pending for pending in self.batch if not pending.answer.done()]
            batches = await self._connected() if waiting else None
            if batches is None:
                break
            try:
                await self._bisect(batches, waiting, judged)
            except ConnectionLost:
                log.warning("committer.disconnected")
                await self.disconnect()
            else:
                break
        self.refuse()

    def refuse(self) -> None:
        """Answer those who are not answered yet."""
        refuse(self.batch, Unavailable())
        self.batch = ()

    async def disconnect(self) -> None:
        batches, self._batches = self._batches, None
        if batches:
            await batches.close()

    async def _bisect(
        self, batches: Batches, batch: Sequence[Pending], judged: Callable[[], Awaitable[None]]
    ) -> None:
        """Commit the batch, or after an unexpected error its halves: one row fails alone.

        Raises ConnectionLost.
        """
        if not batch:
            return
        try:
            await self._commit(batches, batch, judged)
        except ConnectionLost:
            raise
        except Exception as error:
            await batches.roll_back()
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            middle = len(batch) // 2
            await self._bisect(batches, batch[:middle], judged)
            await self._bisect(batches, batch[middle:], judged)

    async def _commit(
        self, batches: Batches, batch: Sequence[Pending], judged: Callable[[], Awaitable[None]]
    ) -> None:
        rows = [pending.sent for pending in batch]
        judgements = await _judge(batches, rows)
        file_ids = [file_id for row in rows for file_id in row.file_ids]
        uploads = await batches.lock_uploads(file_ids) if file_ids else {}
        await judged()
        verdicts = list(decide(zip(rows, judgements, strict=True), uploads, self._budget))
        numbered = [verdict for verdict in verdicts if isinstance(verdict, Numbered)]
        written = await batches.write(numbered) if numbered else {}
        if not numbered:
            await batches.roll_back()
        else:
            MESSAGES.add(count=len(numbered))
            BATCHES.observe(len(numbered))
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


def refuse(batch: Iterable[Pending], refusal: Refusal) -> None:
    for pending in batch:
        _answer(pending, refusal)


def _fail(pending: Pending, error: Exception) -> None:
    """The error's text may hold contents: only its kind is logged."""
    if isinstance(error, StillLocked | NotForNow):
        _answer(pending, Unavailable())
        return
    incident = secrets.token_hex(4)
    log.error(
        "committer.failed",
        incident=incident,
        error=type(error).__name__,
        conversation_id=str(pending.sent.conversation_id),
    )
    _answer(pending, Internal(incident))
