"""The hub by itself: what is written to whom, in which order, in how many writes."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from coterie.protocol import limits
from coterie.protocol.codec import EVENT_DECODER
from coterie.protocol.commands import Entry
from coterie.protocol.errors import LimitReached, Refused
from coterie.protocol.events import (
    ConversationAdded,
    ConversationRemoved,
    EntryAdded,
    GroupUpdated,
    ReadAdvanced,
)
from coterie.protocol.header import EntryKind
from coterie.server.realtime.frames import CloseCode
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.order import GAP_SECONDS, HELD_ENTRIES
from coterie.server.realtime.socket import Socket
from coterie.server.storage.outbox import (
    Entered,
    EntryAnnounced,
    GroupTouched,
    Left,
    ReadFurther,
    SessionsEnded,
)


class Wire(asyncio.Transport):
    """A connection whose other end keeps every write; `unsent` is what it has not read."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unsent = 0
        self.aborted = asyncio.Event()
        self.written = asyncio.Event()

    def is_closing(self) -> bool:
        return self.aborted.is_set()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self.written.set()

    def abort(self) -> None:
        self.aborted.set()

    @property
    def events(self) -> list[Any]:
        """Every event received so far; the code of a close frame stands for itself."""
        data, found = b"".join(self.writes), list[Any]()
        while data:
            opcode, length, start = data[0], data[1], 2
            if length >= 126:
                start = 4 if length == 126 else 10
                length = int.from_bytes(data[2:start], "big")
            payload, data = data[start : start + length], data[start + length :]
            closes = opcode == 0x88
            found.append(
                CloseCode(int.from_bytes(payload, "big"))
                if closes
                else EVENT_DECODER.decode(payload)
            )
        return found

    @property
    def seqs(self) -> list[int]:
        return [event.entry.seq for event in self.events if isinstance(event, EntryAdded)]


def entry(seq: int, size: int = 100) -> Entry:
    return Entry(
        seq=seq,
        kind=EntryKind.MESSAGE,
        epoch=0,
        sender_id=uuid4(),
        device_id=uuid4(),
        message_id=seq,
        content=bytes(size),
        hash=bytes(32),
        created_at=datetime.now(UTC),
    )


def announced(conversation_id: UUID, *seqs: int) -> list[EntryAnnounced]:
    return [EntryAnnounced(conversation_id, entry(seq)) for seq in seqs]


def connect(hub: Hub, *conversation_ids: UUID, user_id: UUID | None = None) -> tuple[Socket, Wire]:
    wire = Wire()
    socket = Socket(wire, user_id or uuid4(), uuid4())
    hub.open(socket)
    hub.enter(socket, conversation_ids)
    return socket, wire


async def test_participants_get_each_entry_and_nobody_else_does() -> None:
    hub, here, elsewhere = Hub(), uuid4(), uuid4()
    (_, alice), (_, bela), (_, chen) = (
        connect(hub, here, elsewhere),
        connect(hub, here),
        connect(hub, elsewhere),
    )

    pushed = announced(here, 1)
    hub.announce(pushed)

    assert alice.events == bela.events == [EntryAdded(here, pushed[0].entry)]
    assert chen.events == []


async def test_a_batch_is_one_write_for_each_socket() -> None:
    hub, one, other = Hub(), uuid4(), uuid4()
    _, both = connect(hub, one, other)
    _, single = connect(hub, one)

    hub.announce([*announced(one, 1, 2), *announced(other, 1), *announced(one, 3)])

    assert len(both.writes) == len(single.writes) == 1
    assert single.seqs == [1, 2, 3]
    assert len(both.events) == 4


@pytest.mark.parametrize("size", [0, 1, 60, 100, 65_000, 66_000, 200_000])
async def test_frames_of_every_length_are_whole(size: int) -> None:
    hub, here = Hub(), uuid4()
    _, wire = connect(hub, here)
    large = entry(1, size)

    hub.announce([EntryAnnounced(here, large)])

    assert wire.events == [EntryAdded(here, large)]


# --- entering and leaving


async def test_who_left_is_told_and_gets_nothing_after_it() -> None:
    hub, group = Hub(), uuid4()
    alice, wire_of_alice = connect(hub, group)
    _, wire_of_bela = connect(hub, group)

    hub.announce([*announced(group, 1), Left(group, (alice.user_id,)), *announced(group, 2)])
    hub.announce(announced(group, 3))

    assert wire_of_alice.seqs == [1]
    assert wire_of_alice.events[-1] == ConversationRemoved(group)
    assert wire_of_bela.seqs == [1, 2, 3]


async def test_who_entered_is_told_and_gets_what_follows() -> None:
    hub, group = Hub(), uuid4()
    _, wire_of_alice = connect(hub, group)
    bela, wire_of_bela = connect(hub)

    hub.announce([*announced(group, 1), Entered(group, (bela.user_id,)), *announced(group, 2)])

    assert wire_of_bela.events[0] == ConversationAdded(group)
    assert wire_of_bela.seqs == [2]
    assert wire_of_alice.seqs == [1, 2]


async def test_what_changes_while_a_socket_loads_its_conversations_is_not_lost() -> None:
    hub, left, entered = Hub(), uuid4(), uuid4()
    wire = Wire()
    socket = Socket(wire, uuid4(), uuid4())
    hub.open(socket)
    read_before = [left]
    hub.announce([Left(left, (socket.user_id,)), Entered(entered, (socket.user_id,))])
    hub.enter(socket, read_before)

    hub.announce([*announced(left, 2), *announced(entered, 2)])

    assert [event.conversation_id for event in wire.events] == [entered]


async def test_all_sockets_of_a_person_follow() -> None:
    hub, group, user_id = Hub(), uuid4(), uuid4()
    wires = [connect(hub, group, user_id=user_id)[1] for _ in range(3)]

    hub.announce([*announced(group, 1), Left(group, (user_id,)), *announced(group, 2)])

    assert [wire.seqs for wire in wires] == [[1]] * 3


async def test_a_socket_that_ended_is_forgotten() -> None:
    hub, group = Hub(), uuid4()
    socket, wire = connect(hub, group)

    hub.leave(socket)
    hub.announce(announced(group, 1))

    assert wire.writes == []
    hub.leave(socket)


async def test_participants_are_told_to_look_at_their_group_again() -> None:
    hub, group = Hub(), uuid4()
    _, wire = connect(hub, group)
    _, stranger = connect(hub)

    hub.announce([GroupTouched(group)])

    assert wire.events == [GroupUpdated(group)]
    assert stranger.events == []


async def test_only_ones_own_devices_are_told_how_far_one_has_read() -> None:
    hub, group, user_id = Hub(), uuid4(), uuid4()
    wires = [connect(hub, group, user_id=user_id)[1] for _ in range(2)]
    _, other = connect(hub, group)

    hub.announce([ReadFurther(user_id, group, 7)])

    assert [wire.events for wire in wires] == [[ReadAdvanced(group, 7)]] * 2
    assert other.events == []


# --- order


async def test_entries_are_pushed_in_the_order_of_their_numbers() -> None:
    hub, group = Hub(), uuid4()
    _, wire = connect(hub, group)

    for seqs in ([1], [3, 4], [6], [5], [2]):
        hub.announce(announced(group, *seqs))

    assert wire.seqs == [1, 2, 3, 4, 5, 6]


async def test_leaving_waits_for_its_place_and_later_entries_wait_behind_it() -> None:
    hub, group = Hub(), uuid4()
    alice, wire = connect(hub, group)
    _, other = connect(hub, group)
    hub.announce(announced(group, 1))

    hub.announce([*announced(group, 3), Left(group, (alice.user_id,))])
    hub.announce(announced(group, 4))
    hub.announce(announced(group, 2))

    assert wire.seqs == [1, 2, 3]
    assert wire.events[-1] == ConversationRemoved(group)
    assert other.seqs == [1, 2, 3, 4]


async def test_a_gap_that_does_not_close_is_given_up_and_its_entry_not_pushed_late() -> None:
    hub, group = Hub(), uuid4()
    _, wire = connect(hub, group)
    hub.announce(announced(group, 1))
    hub.announce(announced(group, 3))
    hub.announce(announced(group, 5))
    assert wire.seqs == [1]

    for expected in ([1, 3], [1, 3, 5]):
        wire.written.clear()
        await asyncio.wait_for(wire.written.wait(), 20 * GAP_SECONDS)
        assert wire.seqs == expected
    hub.announce(announced(group, 2))
    hub.announce(announced(group, 6))

    assert wire.seqs == [1, 3, 5, 6], "clients have seen the gaps and fetch them"


async def test_not_more_than_so_many_entries_wait_behind_a_gap() -> None:
    hub, group = Hub(), uuid4()
    _, wire = connect(hub, group)
    hub.announce(announced(group, 1))

    hub.announce(announced(group, *range(3, 3 + HELD_ENTRIES)))

    assert wire.seqs == [1, *range(3, 3 + HELD_ENTRIES)]


# --- closing


async def test_a_reader_too_slow_is_closed_and_gets_nothing_more() -> None:
    hub, group = Hub(), uuid4()
    _, wire = connect(hub, group)
    _, other = connect(hub, group)
    wire.unsent = limits.UNSENT_BYTES + 1

    hub.announce(announced(group, 1))
    wire.unsent = 0
    hub.announce(announced(group, 2))

    assert wire.events == [CloseCode.TRY_AGAIN_LATER]
    assert other.seqs == [1, 2]


async def test_sockets_close_with_the_session_of_their_device() -> None:
    hub = Hub()
    alice, wire = connect(hub)
    _, other = connect(hub, user_id=alice.user_id)

    hub.announce([SessionsEnded(alice.device_id)])

    assert wire.events == [CloseCode.REFUSED]
    assert other.events == []


async def test_an_account_has_only_so_many_sockets() -> None:
    hub, user_id = Hub(), uuid4()
    sockets = [connect(hub, user_id=user_id)[0] for _ in range(limits.SOCKETS_PER_ACCOUNT)]

    with pytest.raises(Refused) as caught:
        connect(hub, user_id=user_id)
    assert caught.value.refusal == LimitReached("connections", limits.SOCKETS_PER_ACCOUNT)
    hub.leave(sockets[0])
    connect(hub, user_id=user_id)
