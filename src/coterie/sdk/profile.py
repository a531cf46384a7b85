"""One device of one person: its store, its way to the server, and what it has to say."""

from coterie.sdk.connection import Connection
from coterie.sdk.live import Live
from coterie.sdk.vault import Vault
from coterie.sdk.vault.records import AccountRecord


class Profile:
    """What every part of the client works with."""

    def __init__(self, vault: Vault, account: AccountRecord, connection: Connection) -> None:
        self.vault = vault
        self.account = account
        self.connection = connection
        self.live = Live(connection)
        self.warnings: list[str] = []

    def __repr__(self) -> str:
        return f"Profile({self.account.username!r})"

    def warn(self, text: str) -> None:
        """Something the person should know, which stops nothing."""
        if text not in self.warnings:
            self.warnings.append(text)

    async def close(self) -> None:
        await self.live.close()
        await self.connection.close()
        await self.vault.close()
