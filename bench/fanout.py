"""Deliveries for a second of CPU: the hub and the WebSockets alone, no HTTP and no database.

    python -m bench.fanout PEOPLE SIZE JOINED SECONDS

PEOPLE connect, in groups of SIZE; their tokens are their numbers. Then, in rounds and for SECONDS,
JOINED entries of each group are announced, those of 64 groups together. Otherwise as `floor.c` does
in C: prints its port when it listens, and at the end one line of JSON.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

import uvloop
from aiohttp import web

from bench.population import CIPHERTEXT_BYTES
from coterie.protocol.commands import Command, Entry
from coterie.protocol.events import EntryAdded
from coterie.protocol.header import HEADER_BYTES, NONCE_BYTES, EntryKind
from coterie.server.app import spare_the_collector
from coterie.server.operations.access import Actor
from coterie.server.operations.turns import Turns
from coterie.server.realtime.frames import event_frame
from coterie.server.realtime.hub import Hub
from coterie.server.storage.outbox import EntryAnnounced
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.websocket import Events

WARM_UP = 1.0
BATCH = 64
"""Groups that are announced together, as those of one commit are."""
CONTENT = bytes(HEADER_BYTES + NONCE_BYTES + CIPHERTEXT_BYTES)


def entry(seq: int, sender_id: UUID) -> Entry:
    return Entry(
        seq=seq,
        kind=EntryKind.MESSAGE,
        epoch=1,
        sender_id=sender_id,
        device_id=sender_id,
        message_id=100_000 + seq,
        content=CONTENT,
        hash=CONTENT[:32],
        created_at=datetime.now(UTC),
    )


def frame_bytes() -> int:
    """The length of what is sent for one delivery."""
    return len(event_frame(EntryAdded(UUID(int=1), entry(100_000, UUID(int=1)))))


class FanOut:
    def __init__(self, people: int, size: int, joined: int) -> None:
        self.hub = Hub()
        self.groups = [UUID(int=group) for group in range(people // size)]
        self._people, self._size, self._joined = people, size, joined
        self._transports: list[asyncio.Transport] = []
        self._full = asyncio.Event()
        self._seq = 0

    async def authenticate(self, token: str, _address: str | None) -> Actor:
        return Actor(UUID(int=int(token)), UUID(int=int(token)), b"")

    async def list_conversations(self, user_id: UUID) -> list[UUID]:
        return [self.groups[user_id.int // self._size]]

    async def ask(self, actor: Actor, command: Command) -> None:
        """Nobody does."""

    async def keep(self, request: web.Request, _: web.StreamResponse) -> None:
        """Remember where bytes wait to be sent; begin when all have come."""
        if request.transport:
            self._transports.append(request.transport)
        if len(self._transports) == self._people:
            self._full.set()

    async def run(self, seconds: float) -> dict[str, float]:
        await self._full.wait()
        spare_the_collector()
        await asyncio.sleep(WARM_UP)  # all have said Hello
        everything = await self._announce_for(WARM_UP)
        used, begin = time.process_time(), time.perf_counter()
        deliveries = await self._announce_for(seconds)
        used, elapsed = time.process_time() - used, time.perf_counter() - begin
        return {
            "deliveries": deliveries,
            "all_deliveries": everything + deliveries,
            "seconds": round(elapsed, 3),
            "cpu": round(used, 3),
        }

    async def _announce_for(self, seconds: float) -> int:
        end = time.perf_counter() + seconds
        rounds = 0
        while time.perf_counter() < end:
            self._play_round()
            rounds += 1
            await asyncio.sleep(0)  # here the loop writes
            while any(t.get_write_buffer_size() for t in self._transports):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return rounds * self._people * self._joined

    def _play_round(self) -> None:
        first, self._seq = self._seq + 1, self._seq + self._joined
        for begin in range(0, len(self.groups), BATCH):
            self.hub.announce(
                [
                    EntryAnnounced(group, entry(seq, group))
                    for group in self.groups[begin : begin + BATCH]
                    for seq in range(first, self._seq + 1)
                ]
            )


async def main(people: int, size: int, joined: int, seconds: float) -> None:
    fan_out = FanOut(people, size, joined)
    app = web.Application()
    events = Events(
        fan_out.hub,
        fan_out.authenticate,
        fan_out.list_conversations,
        fan_out.ask,
        Turns(),
        Addresses([], is_local=True),
    )
    app.router.add_get("/api/v1/events", events.get)
    app.on_response_prepare.append(fan_out.keep)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    result = await fan_out.run(seconds)
    fan_out.hub.close()
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4]), seconds=float(sys.argv[4])))
