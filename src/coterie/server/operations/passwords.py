"""Passwords: Argon2id in threads, a few at a time, as much work for a name that does not exist."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from coterie.protocol.errors import RateLimited, Refused

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""The second of the settings that OWASP recommends as equals: half as long as the first here, for
less memory is touched. A password opens sessions; no key hangs on it."""
AT_ONCE = 2
WAITING = 100


class Passwords:
    """Raises RateLimited when more than `WAITING` people wait for their turn."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """False for a wrong password; and, after the same work, where there is no hash."""
        async with self._turn():
            matches = await asyncio.to_thread(
                self._matches, password_hash or self._nobodys, password
            )
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        if self._waiting >= WAITING:
            raise Refused(RateLimited(retry_after=5))
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1
