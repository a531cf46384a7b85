"""What passes: who types, and who is there. Nothing of it is kept, here or at the server.

All of it is the server's word: it may invent that somebody types, or hide it.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from coterie.protocol.events import Answered, Denied, EntryAdded, Event, PresenceChanged, Typing
from coterie.protocol.limits import TYPING_SECONDS


class Signals:
    """As this device has heard of them, until the connection falls."""

    def __init__(self, typing_seconds: float = TYPING_SECONDS) -> None:
        self._typing_seconds = typing_seconds
        self._typing: dict[tuple[UUID, UUID], asyncio.TimerHandle] = {}
        self._here: set[UUID] = set()
        self._watchers: set[asyncio.Event] = set()

    @property
    def here(self) -> frozenset[UUID]:
        """Who shows that they are there, by user id."""
        return frozenset(self._here)

    def typing(self, conversation_id: UUID) -> list[UUID]:
        """Who types there, by user id; who began first comes first."""
        return [user_id for place, user_id in self._typing if place == conversation_id]

    @contextmanager
    def watch(self) -> Generator[asyncio.Event]:
        """An event that is set at each change."""
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            yield changed
        finally:
            self._watchers.discard(changed)

    def take(self, event: Event | None) -> bool:
        """Whether that was all there is to the event."""
        match event:
            case Typing(conversation_id, user_id):
                self._begin(conversation_id, user_id)
                return True
            case PresenceChanged(user_id, here):
                (self._here.add if here else self._here.discard)(user_id)
                self._wake()
                return True
            case EntryAdded(conversation_id, entry):
                self._end(conversation_id, entry.sender_id)
                return False
            case Answered() | Denied():
                return True  # of what was shown
            case _:
                return False

    def clear(self) -> None:
        for timer in self._typing.values():
            timer.cancel()
        self._typing.clear()
        self._here.clear()
        self._wake()

    def _begin(self, conversation_id: UUID, user_id: UUID) -> None:
        place = conversation_id, user_id
        if timer := self._typing.get(place):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._typing[place] = loop.call_later(self._typing_seconds, self._end, *place)
        if timer is None:
            self._wake()

    def _end(self, conversation_id: UUID, user_id: UUID) -> None:
        if timer := self._typing.pop((conversation_id, user_id), None):
            timer.cancel()
            self._wake()

    def _wake(self) -> None:
        for changed in self._watchers:
            changed.set()
