"""Whose token it is: what was right once is looked up again, whatever its address brings since."""

from uuid import uuid4

from argon2 import PasswordHasher

from coterie.protocol import limits
from coterie.protocol.errors import RateLimited, Unauthenticated
from coterie.server.operations.passwords import Passwords
from coterie.server.operations.sessions import token_hash
from coterie.server.storage.database import Database
from coterie.server.transport.addresses import Addresses
from coterie.server.transport.login import Login
from tests.server.client import refusal
from tests.server.population import Population

EVIL, TOKEN = "203.0.113.7", "the token of somebody"


async def test_a_token_that_was_right_is_not_invented(
    population: Population, database_url: str
) -> None:
    """Somebody behind the same address uses up what it may invent."""
    actor = await population.person()
    await population.run(
        "INSERT INTO sessions (token_hash, user_id, device_id, expires_at)"
        " VALUES (%s, %s, %s, now() + interval '1 day')",
        token_hash(TOKEN),
        actor.user_id,
        actor.device_id,
    )
    database = Database(database_url)
    await database.open()
    try:
        login = Login(database, Addresses([], is_local=False), memory_seconds=0)
        assert (await login.authenticate(TOKEN, EVIL)).user_id == actor.user_id
        for _ in range(limits.WRONG_TOKENS_PER_ADDRESS[0]):
            assert await refusal(login.authenticate(str(uuid4()), EVIL)) == Unauthenticated()
        assert isinstance(await refusal(login.authenticate("one more", EVIL)), RateLimited)
        assert (await login.authenticate(TOKEN, EVIL)).user_id == actor.user_id
        await population.run("DELETE FROM sessions WHERE user_id = %s", actor.user_id)
        assert await refusal(login.authenticate(TOKEN, EVIL)) == Unauthenticated()
        assert isinstance(await refusal(login.authenticate(TOKEN, EVIL)), RateLimited)
    finally:
        await database.close()


async def test_a_password_of_an_earlier_setting_is_still_right() -> None:
    earlier = PasswordHasher(1, 46 * 1024, 1).hash("correct horse")
    assert await Passwords().verify(earlier, "correct horse")
    assert not await Passwords().verify(earlier, "battery staple")
