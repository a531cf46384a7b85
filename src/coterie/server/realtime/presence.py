"""Who lets others see that they are there: in memory alone, and for no longer than they are.

Only who shows it is told of others, and only of those they share a conversation with. Two of whom
one blocks the other learn nothing of each other.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.events import PresenceChanged
from coterie.server.realtime.frames import event_frame
from coterie.server.realtime.socket import Socket

Peers = Callable[[Collection[UUID]], Iterable[Socket]]
"""The sockets in these conversations."""


class Presence:
    def __init__(self, peers: Peers, grace: float = limits.PRESENCE_GRACE_SECONDS) -> None:
        self._peers = peers
        self._grace = grace
        self._hidden_from: dict[UUID, frozenset[UUID]] = {}
        """Of everybody who shows it."""
        self._going: dict[UUID, asyncio.TimerHandle] = {}

    def show(self, user_id: UUID, own: Collection[Socket], hidden_from: frozenset[UUID]) -> None:
        """Tell the others, and this person of them. Who has no socket is not there."""
        if not own:
            return
        self._stay(user_id)
        self._hidden_from[user_id] = hidden_from
        others = self._tell(user_id, _conversations(own), here=True)
        for other_id in others:
            _offer(own, other_id, here=True)

    def hide(self, user_id: UUID, conversation_ids: Collection[UUID]) -> None:
        self._stay(user_id)
        if user_id in self._hidden_from:
            self._tell(user_id, conversation_ids, here=False)
            del self._hidden_from[user_id]

    def part(self, user_id: UUID, own: Iterable[Socket], other_id: UUID) -> None:
        """`user_id` learns nothing of the other from now on."""
        if user_id in self._hidden_from:
            self._hidden_from[user_id] |= {other_id}
            _offer(own, other_id, here=False)

    def leave(self, user_id: UUID, conversation_ids: Collection[UUID]) -> None:
        """The last socket has ended; another may come in a moment."""
        if user_id in self._hidden_from:
            loop = asyncio.get_running_loop()
            self._stay(user_id)
            self._going[user_id] = loop.call_later(
                self._grace, self.hide, user_id, conversation_ids
            )

    def enter(self, user_id: UUID) -> None:
        """They are back before anybody was told."""
        self._stay(user_id)

    def _stay(self, user_id: UUID) -> None:
        if going := self._going.pop(user_id, None):
            going.cancel()

    def _tell(self, user_id: UUID, conversation_ids: Collection[UUID], *, here: bool) -> set[UUID]:
        """Whom it was told: all who may know."""
        sockets = {
            socket
            for socket in self._peers(conversation_ids)
            if self._may_know(socket.user_id, user_id)
        }
        _offer(sockets, user_id, here=here)
        return {socket.user_id for socket in sockets}

    def _may_know(self, user_id: UUID, other_id: UUID) -> bool:
        hidden = self._hidden_from
        return (
            user_id != other_id
            and user_id in hidden
            and other_id not in hidden[user_id]
            and user_id not in hidden[other_id]
        )


def _conversations(sockets: Iterable[Socket]) -> set[UUID]:
    return {one for socket in sockets for one in socket.conversations}


def _offer(sockets: Iterable[Socket], user_id: UUID, *, here: bool) -> None:
    frame = event_frame(PresenceChanged(user_id, here))
    for socket in sockets:
        socket.offer(frame)
