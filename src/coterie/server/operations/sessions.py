"""Sessions: 32 random bytes that only the client keeps; here stands their SHA-256."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.commands import Done, LogOut, Session
from coterie.protocol.errors import AccountLocked, Refused
from coterie.server.operations.access import Actor
from coterie.server.storage import accounts, devices
from coterie.server.storage.database import Tx
from coterie.server.storage.outbox import SessionsEnded

TOKEN_BYTES = 32


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def begin_session(tx: Tx, user_id: UUID, device_id: UUID) -> Session:
    """Raises Refused(AccountLocked)."""
    if await accounts.is_locked(tx, user_id):
        raise Refused(AccountLocked())
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.SESSION_SECONDS)
    await devices.add_session(tx, token_hash(token), user_id, device_id, expires_at)
    return Session(token=token, user_id=user_id, device_id=device_id, expires_at=expires_at)


async def log_out(tx: Tx, actor: Actor, _command: LogOut) -> Done:
    await devices.remove_session(tx, actor.token_hash)
    tx.announce(SessionsEnded(actor.device_id))
    return Done()
