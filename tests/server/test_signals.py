"""What passes: told to whom it is meant for, and to nobody else; the hub by itself."""

import asyncio
from uuid import UUID, uuid4

import pytest

from coterie.protocol import limits
from coterie.protocol.events import PresenceChanged, Typing
from coterie.server.realtime.hub import Hub
from coterie.server.realtime.socket import Socket
from coterie.server.storage.outbox import Parted, PresenceShown, Typed
from tests.server.test_hub import Wire, announced, connect

ALICE, BELA, CHEN = (UUID(int=number) for number in (1, 2, 3))


def show(hub: Hub, user_id: UUID, *hidden_from: UUID) -> None:
    hub.announce([PresenceShown(user_id, True, frozenset(hidden_from))])


def hide(hub: Hub, user_id: UUID) -> None:
    hub.announce([PresenceShown(user_id, False)])


async def told(wire: Wire, event: object) -> None:
    while event not in wire.events:
        wire.written.clear()
        await wire.written.wait()


async def test_who_types_is_told_to_the_others_of_that_conversation() -> None:
    hub, club, garden = Hub(), uuid4(), uuid4()
    _, alice = connect(hub, club, user_id=ALICE)
    _, alices_other = connect(hub, club, garden, user_id=ALICE)
    _, bela = connect(hub, club, user_id=BELA)
    _, chen = connect(hub, garden, user_id=CHEN)

    hub.announce([Typed(club, ALICE)])

    assert bela.events == [Typing(club, ALICE)]
    assert alice.events == alices_other.events == chen.events == []


async def test_who_is_behind_is_not_told_and_not_closed() -> None:
    hub, club = Hub(), uuid4()
    _, slow = connect(hub, club, user_id=BELA)
    slow.unsent = limits.SIGNAL_UNSENT_BYTES + 1
    hub.announce([Typed(club, ALICE)])
    assert slow.events == []
    hub.announce(announced(club, 1))
    assert slow.seqs == [1], "what stays comes through"


async def test_where_many_listen_nobody_is_told() -> None:
    hub, club = Hub(), uuid4()
    crowd = [connect(hub, club)[1] for _ in range(limits.SIGNALLED_SOCKETS)]
    hub.announce([Typed(club, ALICE)])
    assert all(wire.events == [Typing(club, ALICE)] for wire in crowd)
    connect(hub, club)
    hub.announce([Typed(club, ALICE)])
    assert all(len(wire.events) == 1 for wire in crowd)


async def test_only_who_shows_it_learns_who_is_there() -> None:
    """Promise: who does not show that they are there is not seen, and nobody is seen by strangers
    or by who hides."""
    hub, club, garden = Hub(), uuid4(), uuid4()
    _, alice = connect(hub, club, user_id=ALICE)
    _, bela = connect(hub, club, user_id=BELA)
    _, chen = connect(hub, garden, user_id=CHEN)
    for user_id in (CHEN, ALICE):
        show(hub, user_id)
    assert alice.events == bela.events == chen.events == []

    show(hub, BELA)
    assert alice.events == [PresenceChanged(BELA, True)]
    assert bela.events == [PresenceChanged(ALICE, True)]
    hide(hub, ALICE)
    assert bela.events[1:] == [PresenceChanged(ALICE, False)]
    hide(hub, BELA)
    show(hub, BELA)
    assert alice.events == [PresenceChanged(BELA, True)], "who hides sees nobody"
    assert chen.events == []


@pytest.mark.parametrize("blocker", [ALICE, BELA])
async def test_two_who_are_parted_by_a_block_see_nothing_of_each_other(blocker: UUID) -> None:
    hub, club = Hub(), uuid4()
    _, alice = connect(hub, club, user_id=ALICE)
    _, bela = connect(hub, club, user_id=BELA)
    _, chen = connect(hub, club, user_id=CHEN)
    show(hub, CHEN)
    show(hub, ALICE, *([BELA] if blocker == ALICE else []))
    show(hub, BELA, *([ALICE] if blocker == BELA else []))
    assert alice.events == bela.events == [PresenceChanged(CHEN, True)]
    assert chen.events == [PresenceChanged(ALICE, True), PresenceChanged(BELA, True)]


async def test_a_block_ends_what_both_see() -> None:
    hub, club = Hub(), uuid4()
    _, alice = connect(hub, club, user_id=ALICE)
    _, bela = connect(hub, club, user_id=BELA)
    show(hub, ALICE)
    show(hub, BELA)
    hub.announce([Parted(BELA, ALICE)])
    assert alice.events[-1] == PresenceChanged(BELA, False)
    assert bela.events[-1] == PresenceChanged(ALICE, False)
    hide(hub, ALICE)
    assert len(bela.events) == 2


async def test_who_goes_is_missed_after_a_while_and_who_comes_back_is_not() -> None:
    hub, club = Hub(presence_grace=0.05), uuid4()
    _, bela = connect(hub, club, user_id=BELA)
    show(hub, BELA)
    first, _ = connect(hub, club, user_id=ALICE)
    show(hub, ALICE)
    second, _ = connect(hub, club, user_id=ALICE)
    hub.leave(first)
    hub.leave(second)
    back, _ = connect(hub, club, user_id=ALICE)
    hub.leave(Socket(Wire(), ALICE, uuid4()))  # one that was never opened
    show(hub, ALICE)
    assert bela.events == [PresenceChanged(ALICE, True)] * 2

    hub.leave(back)
    assert PresenceChanged(ALICE, False) not in bela.events
    async with asyncio.timeout(5):
        await told(bela, PresenceChanged(ALICE, False))


async def test_who_has_no_socket_is_not_there() -> None:
    hub, club = Hub(), uuid4()
    _, bela = connect(hub, club, user_id=BELA)
    show(hub, BELA)
    show(hub, ALICE)
    assert bela.events == []
