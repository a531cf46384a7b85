"""Whose token it is."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime

from coterie.protocol.errors import Refused, Unauthenticated
from coterie.server.operations.access import Actor
from coterie.server.operations.sessions import token_hash
from coterie.server.storage.database import Database
from coterie.server.storage.devices import get_session
from coterie.server.storage.outbox import Announcement, SessionsEnded

REMEMBERED = 10_000
MEMORY_SECONDS = 60.0


class Login:
    """Remembers for a minute whose tokens it has looked up, and forgets at once what ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()
        self._endings = 0

    async def authenticate(self, token: str) -> Actor:
        """Raises Refused(Unauthenticated)."""
        digest = token_hash(token)
        actor, until = self._known.get(digest, (None, 0.0))
        if actor is not None and time.monotonic() < until:
            return actor
        endings = self._endings
        async with self._database.transaction() as tx:
            session = await get_session(tx, digest)
        if session is None:
            raise Refused(Unauthenticated())
        actor = Actor(session.user_id, session.device_id, digest)
        if endings == self._endings:  # else it may be this one that has ended meanwhile
            self._remember(actor, session.expires_at)
        return actor

    def _remember(self, actor: Actor, expires_at: datetime) -> None:
        left = (expires_at - datetime.now(UTC)).total_seconds()
        until = time.monotonic() + min(left, MEMORY_SECONDS)
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
