"""Many entries, quickly: sealed by hand with a member's keys, sent over HTTP, many at a time.

A lost answer is asked for again with the same bytes, as every client does: what was acknowledged is
there once, however often it was sent.
"""

import asyncio
from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from coterie.protocol import commands as c
from coterie.protocol.header import EntryKind, entry_hash
from coterie.sdk.connection import Connection
from tests.support.insider import Insider

AT_ONCE = 32


class Acknowledged(msgspec.Struct, frozen=True):
    """An entry by the hash of its bytes, and where the server said it stands."""

    hash: bytes
    accepted: c.Accepted


class Load:
    """One member's entries of the present epoch. `on_answer` is told how many there are so far."""

    def __init__(
        self, sender: Insider, group_id: UUID, on_answer: Callable[[int], None] = lambda _: None
    ) -> None:
        self.answers: list[Acknowledged] = []
        self._sender = sender
        self._group_id = group_id
        self._view = sender.view(group_id)
        self._on_answer = on_answer

    async def messages(self, texts: Iterable[str]) -> None:
        await self._many(self._message(text) for text in texts)

    async def messages_with_changes(self, texts: Iterable[str]) -> None:
        """Of every ten messages one is edited and one reacted to, as soon as it is there."""
        await self._many(
            (self._message(text) for text in texts), lambda n: n % 10 == 0, lambda n: n % 10 == 5
        )

    async def _many(
        self,
        commands: Iterable[c.SendMessage],
        edited: Callable[[int], bool] = lambda _: False,
        reacted: Callable[[int], bool] = lambda _: False,
    ) -> None:
        numbered = enumerate(commands)
        caller = self._sender.caller
        connection = Connection(caller.url, caller.token)

        async def ask(command: c.SendMessage | c.EditMessage | c.ReactToMessage) -> None:
            self._note(command.entry, await connection.call(command, c.Accepted))

        async def work() -> None:
            for number, command in numbered:
                await ask(command)
                if edited(number):
                    await ask(self._edit(entry_hash(command.entry)))
                if reacted(number):
                    await ask(self._reaction(entry_hash(command.entry)))

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(AT_ONCE):
                    workers.create_task(work())
        finally:
            await connection.close()

    def _note(self, entry: bytes, answer: c.Accepted) -> None:
        self.answers.append(Acknowledged(entry_hash(entry), answer))
        self._on_answer(len(self.answers))

    def _message(self, text: str) -> c.SendMessage:
        entry = self._sender.seal(self._group_id, text, view=self._view)
        return c.SendMessage(conversation_id=self._group_id, entry=entry)

    def _edit(self, target: bytes) -> c.EditMessage:
        entry = self._sender.seal(
            self._group_id,
            "edited",
            kind=EntryKind.EDIT,
            target=target,
            edit_no=1,
            view=self._view,
        )
        return c.EditMessage(conversation_id=self._group_id, entry=entry, edit_no=1)

    def _reaction(self, target: bytes) -> c.ReactToMessage:
        entry = self._sender.react(self._group_id, target, "👍", view=self._view)
        return c.ReactToMessage(conversation_id=self._group_id, entry=entry)


async def whole_log(reader: Insider, group_id: UUID) -> list[c.Entry]:
    """Every entry the reader may read, by pages."""
    found: list[c.Entry] = []
    more = True
    while more:
        after = found[-1].seq if found else 0
        page: c.Entries = await reader.caller.call(
            c.ListEntries(conversation_id=group_id, after=after)
        )
        found, more = found + page.entries, page.more
    return found
