"""Who is connected, who takes part in what, and the one write per socket and batch.

Everything here is synchronous: between the first and the last byte of an announcement nobody can
enter or leave.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.errors import LimitReached, Refused
from coterie.protocol.events import (
    ConversationAdded,
    ConversationRemoved,
    EntryAdded,
    GroupUpdated,
    ReadAdvanced,
    Typing,
)
from coterie.server.metrics import DELIVERIES
from coterie.server.realtime.frames import CloseCode, event_frame
from coterie.server.realtime.order import Order
from coterie.server.realtime.presence import Presence
from coterie.server.realtime.socket import Socket
from coterie.server.storage.outbox import (
    Announcement,
    BlobsDropped,
    Entered,
    EntryAnnounced,
    GroupTouched,
    Left,
    Parted,
    PresenceShown,
    ReadFurther,
    SessionsEnded,
    Typed,
)


class Conversation:
    """A conversation that somebody connected takes part in."""

    __slots__ = ("order", "sockets")

    def __init__(self, order: Order) -> None:
        self.order = order
        self.sockets: set[Socket] = set()


class Hub:
    """Pushes what is announced to the sockets of those who may see it."""

    def __init__(self, presence_grace: float = limits.PRESENCE_GRACE_SECONDS) -> None:
        self._presence = Presence(self._listeners, presence_grace)
        self._users: dict[UUID, set[Socket]] = {}
        self._devices: dict[UUID, set[Socket]] = {}
        self._conversations: dict[UUID, Conversation] = {}

    @property
    def sockets(self) -> int:
        """How many are open."""
        return sum(map(len, self._users.values()))

    def open(self, socket: Socket) -> None:
        """Take note of what changes for it from now on; nothing is pushed before `enter`.

        Raises Refused(LimitReached).
        """
        mine = self._users.setdefault(socket.user_id, set())
        if len(mine) >= limits.SOCKETS_PER_ACCOUNT:
            raise Refused(LimitReached("connections", limits.SOCKETS_PER_ACCOUNT))
        mine.add(socket)
        self._presence.enter(socket.user_id)
        self._devices.setdefault(socket.device_id, set()).add(socket)

    def enter(self, socket: Socket, conversation_ids: Iterable[UUID]) -> None:
        """Begin to push. `conversation_ids` were read after `open`."""
        changes, socket.changes = socket.changes or {}, None
        for conversation_id in conversation_ids:
            if changes.get(conversation_id, True):
                self._subscribe(socket, conversation_id)
        for conversation_id, entered in changes.items():
            if entered:
                self._subscribe(socket, conversation_id)

    def leave(self, socket: Socket) -> None:
        """Forget a socket that has ended, whether or not it was ever opened."""
        conversation_ids = tuple(socket.conversations)
        for conversation_id in conversation_ids:
            self._unsubscribe(socket, conversation_id)
        was_last = self._users.get(socket.user_id) == {socket}
        _discard(self._users, socket.user_id, socket)
        if was_last:
            self._presence.leave(socket.user_id, conversation_ids)
        _discard(self._devices, socket.device_id, socket)

    def close(self) -> None:
        """Close every socket: the server stops."""
        for sockets in self._users.values():
            for socket in sockets:
                socket.close(CloseCode.RESTARTING)

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Push what has been committed together; entries of a conversation in their order."""
        delivery = Delivery()
        behind: dict[UUID, list[Announcement]] = {}
        touched: set[UUID] = set()
        for announcement in announcements:
            if isinstance(announcement, EntryAnnounced):
                self._place(announcement, delivery, behind, touched)
            elif (
                isinstance(announcement, Entered | Left) and announcement.conversation_id in behind
            ):
                behind[announcement.conversation_id].append(announcement)
            else:
                self._apply(announcement, delivery)
        for conversation_id in touched:
            self._release(conversation_id, delivery)
        delivery.write()

    def _place(
        self,
        announced: EntryAnnounced,
        delivery: "Delivery",
        behind: dict[UUID, list[Announcement]],
        touched: set[UUID],
    ) -> None:
        """Deliver an entry, or hold it back with what the same transaction announces after it."""
        conversation_id, seq = announced.conversation_id, announced.entry.seq
        conversation = self._conversations.get(conversation_id)
        if behind:
            behind.pop(conversation_id, None)
        if conversation is None:
            return
        order = conversation.order
        if order.admits(seq):
            delivery.add_entry(conversation, announced)
        elif not order.is_past(seq):
            behind[conversation_id] = order.hold(seq, announced)
        if order.holds:
            touched.add(conversation_id)

    def _release(self, conversation_id: UUID, delivery: "Delivery") -> None:
        if conversation := self._conversations.get(conversation_id):
            for announcement in conversation.order.released():
                self._apply(announcement, delivery)

    def _give_up_gap(self, conversation_id: UUID) -> None:
        delivery = Delivery()
        self._conversations[conversation_id].order.skip_gap()
        self._release(conversation_id, delivery)
        delivery.write()

    def _apply(self, announcement: Announcement, delivery: "Delivery") -> None:
        match announcement:
            case EntryAnnounced(conversation_id):
                if conversation := self._conversations.get(conversation_id):
                    delivery.add_entry(conversation, announcement)
            case GroupTouched(group_id):
                if conversation := self._conversations.get(group_id):
                    delivery.add(conversation, event_frame(GroupUpdated(group_id)))
            case Entered(conversation_id, user_ids):
                self._let_in(conversation_id, user_ids, delivery)
            case Left(conversation_id, user_ids):
                self._let_out(conversation_id, user_ids, delivery)
            case ReadFurther(user_id, conversation_id, seq):
                frame = event_frame(ReadAdvanced(conversation_id, seq))
                for socket in self._sockets_of((user_id,)):
                    if socket.changes is None:
                        delivery.add_to(socket, frame)
            case Typed(conversation_id, user_id):
                self._tell_typing(conversation_id, user_id)
            case PresenceShown(user_id, here, hidden_from):
                self._tell_presence(user_id, here, hidden_from)
            case Parted(user_id, other_id):
                for one, other in ((user_id, other_id), (other_id, user_id)):
                    self._presence.part(one, self._users.get(one, ()), other)
            case SessionsEnded(device_id):
                for socket in self._devices.get(device_id, ()):
                    socket.close(CloseCode.REFUSED)
            case BlobsDropped():
                pass  # for the disk, not for people

    def _tell_typing(self, conversation_id: UUID, user_id: UUID) -> None:
        frame = event_frame(Typing(conversation_id, user_id))
        for socket in self._listeners((conversation_id,)):
            if socket.user_id != user_id:
                socket.offer(frame)

    def _tell_presence(self, user_id: UUID, here: bool, hidden_from: frozenset[UUID]) -> None:
        own = self._users.get(user_id, set())
        if here:
            self._presence.show(user_id, own, hidden_from)
        else:
            conversation_ids = {one for socket in own for one in socket.conversations}
            self._presence.hide(user_id, conversation_ids)

    def _listeners(self, conversation_ids: Iterable[UUID]) -> Iterator[Socket]:
        """Of conversations that are not too large for what passes."""
        for conversation_id in conversation_ids:
            conversation = self._conversations.get(conversation_id)
            if conversation and len(conversation.sockets) <= limits.SIGNALLED_SOCKETS:
                yield from conversation.sockets

    def _let_in(self, conversation_id: UUID, user_ids: Sequence[UUID], to: "Delivery") -> None:
        self._address(conversation_id, to)
        frame = event_frame(ConversationAdded(conversation_id))
        for socket in self._sockets_of(user_ids):
            if socket.changes is not None:
                socket.changes[conversation_id] = True
            elif conversation_id not in socket.conversations:
                self._subscribe(socket, conversation_id)
                to.add_to(socket, frame)

    def _let_out(self, conversation_id: UUID, user_ids: Sequence[UUID], to: "Delivery") -> None:
        self._address(conversation_id, to)
        frame = event_frame(ConversationRemoved(conversation_id))
        for socket in self._sockets_of(user_ids):
            if socket.changes is not None:
                socket.changes[conversation_id] = False
            elif conversation_id in socket.conversations:
                self._unsubscribe(socket, conversation_id)
                to.add_to(socket, frame)

    def _address(self, conversation_id: UUID, delivery: "Delivery") -> None:
        """What came before somebody enters or leaves is for those who were there then."""
        if conversation := self._conversations.get(conversation_id):
            delivery.address(conversation)

    def _sockets_of(self, user_ids: Sequence[UUID]) -> list[Socket]:
        return [socket for user_id in user_ids for socket in self._users.get(user_id, ())]

    def _subscribe(self, socket: Socket, conversation_id: UUID) -> None:
        conversation = self._conversations.get(conversation_id)
        if conversation is None:
            order = Order(lambda: self._give_up_gap(conversation_id))
            conversation = self._conversations[conversation_id] = Conversation(order)
        conversation.sockets.add(socket)
        socket.conversations.add(conversation_id)

    def _unsubscribe(self, socket: Socket, conversation_id: UUID) -> None:
        socket.conversations.discard(conversation_id)
        conversation = self._conversations[conversation_id]
        conversation.sockets.discard(socket)
        if not conversation.sockets:
            conversation.order.stop()
            del self._conversations[conversation_id]


class Delivery:
    """The frames of one announcement, gathered until each socket gets its own in one write."""

    def __init__(self) -> None:
        self._frames: dict[Conversation, list[bytes]] = {}
        self._writes: dict[Socket, bytes] = {}
        self._deliveries = 0

    def add_entry(self, conversation: Conversation, announced: EntryAnnounced) -> None:
        event = EntryAdded(announced.conversation_id, announced.entry)
        self.add(conversation, event_frame(event))

    def add(self, conversation: Conversation, frame: bytes) -> None:
        """For everybody who takes part in the conversation when it is addressed."""
        if (frames := self._frames.get(conversation)) is None:
            self._frames[conversation] = [frame]
        else:
            frames.append(frame)

    def add_to(self, socket: Socket, frames: bytes) -> None:
        self._writes[socket] = self._writes.get(socket, b"") + frames

    def address(self, conversation: Conversation) -> None:
        """What was added for the conversation so far goes to those who take part in it now."""
        frames = self._frames.pop(conversation, None)
        if frames:
            sockets, writes, joined = conversation.sockets, self._writes, b"".join(frames)
            self._deliveries += len(frames) * len(sockets)
            for socket in sockets:  # as `add_to` does, without a call for each delivery
                writes[socket] = writes.get(socket, b"") + joined

    def write(self) -> None:
        for conversation in tuple(self._frames):
            self.address(conversation)
        DELIVERIES.add(count=self._deliveries)
        for socket, frames in self._writes.items():
            socket.send(frames)


def _discard(index: dict[UUID, set[Socket]], key: UUID, socket: Socket) -> None:
    """Take the socket out of an index, and its empty set with it."""
    if sockets := index.get(key):
        sockets.discard(socket)
        if not sockets:
            del index[key]
