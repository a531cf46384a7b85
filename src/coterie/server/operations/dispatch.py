"""One command, one transaction; then, and only then, it is announced."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from coterie.protocol import limits
from coterie.protocol.commands import (
    Accepted,
    Command,
    CreateGroup,
    GetServer,
    LogIn,
    OpenDirect,
    SendMessage,
    SignUp,
)
from coterie.protocol.errors import RateLimited, Refused, code_of
from coterie.server.metrics import REQUESTS
from coterie.server.operations import BEGINNINGS, OPERATIONS, states
from coterie.server.operations.access import Actor
from coterie.server.operations.budgets import Budgets
from coterie.server.operations.entrance import Entrance
from coterie.server.storage.database import Database, Tx
from coterie.server.storage.outbox import Announce

Send = Callable[[Actor, SendMessage], Awaitable[Accepted]]
"""The committer: many messages, one transaction."""
Work = Callable[[Tx], Awaitable[Any]]
"""An operation, given everything but the transaction."""


class Dispatch:
    def __init__(
        self,
        database: Database,
        entrance: Entrance,
        send: Send,
        announce: Announce,
        budgets: Budgets,
        server_key: bytes,
    ) -> None:
        self._database = database
        self._entrance = entrance
        self._send = send
        self._announce = announce
        self._budgets = budgets
        self._server_key = server_key

    async def ask(self, actor: Actor, command: Command) -> Any:
        """The result of a command. Raises Refused."""
        return await _slowed(_counted(command, self._ask(actor, command)))

    async def ask_in_public(self, address: str | None, command: Command) -> Any:
        """The result of a command that needs no session. Raises Refused."""
        return await _slowed(_counted(command, self._ask_in_public(address, command)))

    async def _ask(self, actor: Actor, command: Command) -> Any:
        self._budgets.spend(actor, command)
        if isinstance(command, SendMessage):
            return await self._send(actor, command)
        with self._budgets.judging(actor, command):
            return await self._carry_out(actor, command)

    async def _carry_out(self, actor: Actor, command: Command) -> Any:
        work = await self._prepare(actor, command)
        async with self._database.transaction() as tx:
            result = await work(tx)
        self._announce(tx.announcements)
        return result

    async def _prepare(self, actor: Actor, command: Command) -> Work:
        """What to do in a transaction. Epoch 0 is judged before it: that takes a while, and
        nothing of the database."""
        if not isinstance(command, CreateGroup | OpenDirect):
            return lambda tx: OPERATIONS[type(command)](tx, actor, command)
        beginning = await states.judge(command.anchor, self._server_key)
        return lambda tx: BEGINNINGS[type(command)](tx, actor, command, beginning)

    async def _ask_in_public(self, address: str | None, command: Command) -> Any:
        match command:
            case GetServer():
                return await self._entrance.get_server(address, command)
            case SignUp():
                return await self._entrance.sign_up(address, command)
            case LogIn():
                return await self._entrance.log_in(address, command)
            case _:
                raise LookupError(f"{type(command).__name__} needs a session")


async def _slowed(answer: Coroutine[Any, Any, Any]) -> Any:
    """Whoever asks too often, and does not wait when told, waits here: meanwhile it is their
    turn."""
    try:
        return await answer
    except Refused as no:
        if isinstance(no.refusal, RateLimited):
            await asyncio.sleep(limits.RATE_LIMITED_SECONDS)
        raise


async def _counted(command: Command, answer: Coroutine[Any, Any, Any]) -> Any:
    outcome = "internal"
    try:
        result = await answer
        outcome = "ok"
    except Refused as no:
        outcome = code_of(no.refusal)
        raise
    finally:
        REQUESTS.add(type(command).__name__, outcome)
    return result
