"""Whose token it is."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from coterie.protocol import limits
from coterie.protocol.errors import Refused, Unauthenticated
from coterie.server.operations.access import Actor
from coterie.server.operations.budgets import Budget
from coterie.server.operations.sessions import token_hash
from coterie.server.storage.database import Database
from coterie.server.storage.devices import get_session
from coterie.server.storage.outbox import Announcement, SessionsEnded
from coterie.server.transport.addresses import Addresses

REMEMBERED: Final = 10_000
MEMORY_SECONDS: Final = 60.0
TOKEN_CHARACTERS: Final = 128


class Login:
    """Remembers for a minute whose tokens it has looked up, and forgets at once what ends.

    An address that brings too many that are nobody's is asked to wait, before the database is.
    """

    def __init__(
        self, database: Database, addresses: Addresses, *, memory_seconds: float = MEMORY_SECONDS
    ) -> None:
        self._database = database
        self._addresses = addresses
        self._wrong = Budget(limits.WRONG_TOKENS_PER_ADDRESS)
        self._looking = asyncio.Semaphore(limits.OPENING_SOCKETS)
        self._known: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()
        self._memory_seconds = memory_seconds
        self._endings = 0

    async def identify(self, request: web.Request) -> Actor:
        """Who asks, by the token of a request. Raises Refused(Unauthenticated, RateLimited)."""
        return await self.authenticate(bearer(request), self._addresses.of(request))

    async def authenticate(self, token: str, address: str | None) -> Actor:
        """Whose token it is. Raises Refused(Unauthenticated, RateLimited)."""
        digest = token_hash(token)
        actor, until = self._known.get(digest, (None, 0.0))
        if actor is not None and time.monotonic() < until:
            return actor
        if actor is None and address is not None:  # what was right before is not invented
            self._wrong.require(address)
        endings = self._endings
        async with self._looking, self._database.transaction() as tx:
            session = await get_session(tx, digest)
        if session is None:
            self._known.pop(digest, None)
            if address is not None:
                self._wrong.take(address)
            raise Refused(Unauthenticated())
        actor = Actor(session.user_id, session.device_id, digest)
        if endings == self._endings:  # else it may be this one that has ended meanwhile
            self._remember(actor, session.expires_at)
        return actor

    def _remember(self, actor: Actor, expires_at: datetime) -> None:
        left = (expires_at - datetime.now(UTC)).total_seconds()
        until = time.monotonic() + min(left, self._memory_seconds)
        self._known[actor.token_hash] = actor, until
        self._known.move_to_end(actor.token_hash)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Forget the devices whose sessions have ended."""
        for announcement in announcements:
            if isinstance(announcement, SessionsEnded):
                self._endings += 1
                for digest, (actor, _) in tuple(self._known.items()):
                    if actor.device_id == announcement.device_id:
                        del self._known[digest]


def bearer(request: web.Request) -> str:
    """The session token of a request. Raises Refused(Unauthenticated)."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= TOKEN_CHARACTERS or not token.isascii():
        raise Refused(Unauthenticated())
    return token
