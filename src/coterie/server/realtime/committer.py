"""Group commit: the messages that arrived during one commit share the next.

There is no timer and no minimum: with one sender a batch is one message, under load it grows by
itself. Then there are two batches at a time, each on a connection of its own: while one is being
written, the other is judged, and its senders are answered. Nobody is answered, and nothing is
announced, before COMMIT has returned.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from coterie.protocol import limits
from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.errors import RateLimited, Refused, Unavailable
from coterie.server.operations.access import Actor
from coterie.server.operations.budgets import of_conversations
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.judgement import check
from coterie.server.realtime.lane import RETRY_SECONDS, Lane, Pending, refuse

LANES: Final = 2
OVERLAP_MESSAGES: Final = 32
"""So many have to wait before a batch is begun beside another: small ones cost more than that."""
DRAIN_SECONDS: Final = 5.0

log = structlog.get_logger()


class Committer:
    """Writes messages. See `running_committer`."""

    def __init__(
        self, url: str, hub: Hub, entries_per_second: int = limits.ENTRIES_PER_SECOND
    ) -> None:
        budget = of_conversations(entries_per_second)
        self.lanes = [Lane(url, hub, budget) for _ in range(LANES)]
        self._queue: deque[Pending] = deque()
        self._worthwhile = asyncio.Event()
        self._turn = asyncio.Lock()
        self._deferred = 0
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many messages are in no batch yet."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether no more are taken in for now."""
        return len(self._queue) >= limits.QUEUE_MESSAGES

    async def send(self, actor: Actor, command: SendMessage) -> Accepted:
        """Write a message; it is durable when this returns. Raises Refused."""
        sent = check(actor, command)
        if self._closing:
            raise Refused(Unavailable())
        if self.is_full:
            raise Refused(RateLimited(retry_after=1))
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._queue.append(Pending(sent, answer))
        self._wake()
        return await answer

    async def supervise(self, lane: Lane) -> None:
        """Keep a committing task alive; whoever waits for one that dies is told Unavailable."""
        while True:
            task = asyncio.create_task(self._commit_for_ever(lane), name="committer")
            try:
                await asyncio.wait([task])
                log.error("committer.died", error=_name_of_end(task))
            finally:
                task.cancel()
                await lane.disconnect()
                lane.refuse()
            self._wake()
            await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Take no more, and commit what is queued unless that takes too long."""
        self._closing = True
        waiting = [pending.answer for pending in self._waiting()]
        if waiting:
            await asyncio.wait(waiting, timeout=DRAIN_SECONDS)
        refuse(self._queue, Unavailable())

    async def _commit_for_ever(self, lane: Lane) -> None:
        while True:
            async with AsyncExitStack() as turn:
                await turn.enter_async_context(self._turn)
                await self._worthwhile.wait()
                lane.batch = self._take()
                if not lane.batch:
                    continue  # what waits needs the other lane, which wakes us when it is done
                self._wake()
                await lane.settle(judged=turn.aclose)
            self._deferred = 0
            self._wake()

    def _waiting(self) -> Iterable[Pending]:
        for lane in self.lanes:
            yield from lane.batch
        yield from self._queue

    def _wake(self) -> None:
        """Let the lane whose turn it is begin, if that is worth a batch."""
        idle = not any(lane.batch for lane in self.lanes)
        if len(self._queue) - self._deferred >= OVERLAP_MESSAGES or (self._queue and idle):
            self._worthwhile.set()

    def _take(self) -> list[Pending]:
        """The next batch: of all who wait for an answer the half, within the limits.

        What depends on a message that is being written (its repetition, a reply to it) waits for
        the next batch, when the database knows it; not too much of that.
        """
        batch: list[Pending] = []
        later: list[Pending] = []
        writing = [pending for lane in self.lanes for pending in lane.batch]
        names = {name for pending in writing for name in pending.names}
        most = max(OVERLAP_MESSAGES, (len(writing) + len(self._queue) + 1) // 2)
        size = 0
        while (
            self._queue
            and len(batch) < min(most, limits.BATCH_MESSAGES)
            and size < limits.BATCH_BYTES
        ):
            pending = self._queue.popleft()
            if pending.depends_on(names):
                later.append(pending)
                continue
            names.update(pending.names)
            batch.append(pending)
            size += len(pending.sent.entry)
        refuse(later[limits.DEFERRED_MESSAGES :], RateLimited(retry_after=1))
        del later[limits.DEFERRED_MESSAGES :]
        self._queue.extendleft(reversed(later))
        self._deferred = len(later)
        self._worthwhile.clear()
        return batch


@asynccontextmanager
async def running_committer(
    url: str, hub: Hub, entries_per_second: int = limits.ENTRIES_PER_SECOND
) -> AsyncGenerator[Committer]:
    """A committer at work; leaving it commits what is queued."""
    committer = Committer(url, hub, entries_per_second)
    supervisors = [
        asyncio.create_task(committer.supervise(lane), name="committer's supervisor")
        for lane in committer.lanes
    ]
    try:
        yield committer
    finally:
        await committer.close()
        for supervisor in supervisors:
            supervisor.cancel()
        await asyncio.gather(*supervisors, return_exceptions=True)


def _name_of_end(task: asyncio.Task[None]) -> str:
    return "cancelled" if task.cancelled() else type(task.exception()).__name__
