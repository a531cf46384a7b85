"""One device of one person: its store, its way to the server, and what it has to say."""

from uuid import UUID

from coterie.sdk.connection import Connection
from coterie.sdk.live import Live
from coterie.sdk.vault import Vault
from coterie.sdk.vault.privacy import get_privacy
from coterie.sdk.vault.records import AccountRecord


class Profile:
    """What every part of the client works with."""

    def __init__(self, vault: Vault, account: AccountRecord, connection: Connection) -> None:
        self.vault = vault
        self.account = account
        self.connection = connection
        self.live = Live(connection, self._shows_presence)
        self.warnings: list[str] = []
        self.typing_told: dict[UUID, float] = {}
        """When the others of a conversation were last told, by the clock of the event loop."""

    def __repr__(self) -> str:
        return f"Profile({self.account.username!r})"

    def warn(self, text: str) -> None:
        """Something the person should know, which stops nothing."""
        if text not in self.warnings:
            self.warnings.append(text)

    async def _shows_presence(self) -> bool:
        return (await self.vault.read(get_privacy)).presence

    async def close(self) -> None:
        await self.live.close()
        await self.connection.close()
        await self.vault.close()
