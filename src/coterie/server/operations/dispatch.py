"""One command, one transaction; then, and only then, it is announced."""

from collections.abc import Awaitable, Callable
from typing import Any

from coterie.protocol.commands import Accepted, Command, GetServer, LogIn, SendMessage, SignUp
from coterie.server.operations import OPERATIONS
from coterie.server.operations.access import Actor
from coterie.server.operations.budgets import Budgets
from coterie.server.operations.entrance import Entrance
from coterie.server.storage.database import Database
from coterie.server.storage.outbox import Announce

Send = Callable[[Actor, SendMessage], Awaitable[Accepted]]
"""The committer: many messages, one transaction."""


class Dispatch:
    def __init__(
        self,
        database: Database,
        entrance: Entrance,
        send: Send,
        announce: Announce,
        budgets: Budgets,
    ) -> None:
        self._database = database
        self._entrance = entrance
        self._send = send
        self._announce = announce
        self._budgets = budgets

    async def ask(self, actor: Actor, command: Command) -> Any:
        """The result of a command. Raises Refused."""
        self._budgets.spend(actor, command)
        if isinstance(command, SendMessage):
            return await self._send(actor, command)
        operation = OPERATIONS[type(command)]
        async with self._database.transaction() as tx:
            result = await operation(tx, actor, command)
        self._announce(tx.announcements)
        return result

    async def ask_in_public(self, address: str | None, command: Command) -> Any:
        """The result of a command that needs no session. Raises Refused."""
        match command:
            case GetServer():
                return await self._entrance.get_server(address, command)
            case SignUp():
                return await self._entrance.sign_up(address, command)
            case LogIn():
                return await self._entrance.log_in(address, command)
            case _:
                raise LookupError(f"{type(command).__name__} needs a session")
