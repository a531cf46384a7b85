"""What a person lets others see of them beside what they write. Who does not show does not see.

The choice is this device's: it does not tell the server what should not be told, and the server
knows of no choice.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

from coterie.protocol.commands import Done, ShowPresence, ShowTyping
from coterie.protocol.errors import Refused
from coterie.protocol.limits import TYPING_REPEAT_SECONDS
from coterie.sdk.conversations import find
from coterie.sdk.errors import ServerUnreachable
from coterie.sdk.people import holder, name_of
from coterie.sdk.pins import learn_names
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault import privacy as vault
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.records import PrivacyRecord
from coterie.sdk.views import Privacy


async def get_privacy(profile: Profile) -> Privacy:
    return _view(await profile.vault.read(vault.get_privacy))


async def set_privacy(profile: Profile, typing: bool | None, presence: bool | None) -> Privacy:
    """None leaves it as it is. Raises Refused, ServerUnreachable: then presence is as it was."""
    if presence is not None:
        await profile.connection.call(ShowPresence(here=presence), Done)
    return _view(await profile.vault.write(lambda tx: _change(tx, typing, presence)))


async def show_typing(profile: Profile, target: str) -> None:
    """May be called at every keystroke. That it cannot be told is no failure."""
    if not (await get_privacy(profile)).typing:
        return
    conversation_id = await find(profile, target)
    now = asyncio.get_running_loop().time()
    told = profile.typing_told.get(conversation_id)
    if told is None or now - told >= TYPING_REPEAT_SECONDS:
        profile.typing_told[conversation_id] = now
        with suppress(Refused, ServerUnreachable):
            await profile.connection.call(ShowTyping(conversation_id=conversation_id), Done)


async def watch_typing(profile: Profile, target: str) -> AsyncGenerator[tuple[str, ...]]:
    """The names of those who type there, now and at each change."""
    conversation_id = await find(profile, target)
    with profile.live.watch(conversation_id), profile.live.signals.watch() as changed:
        while True:
            ids = profile.live.signals.typing(conversation_id)
            if ids:
                with suppress(Refused, ServerUnreachable):  # then they are shown by their ids
                    await learn_names(profile, conversation_id)
            yield await profile.vault.read(lambda tx, ids=ids: _names(tx, conversation_id, ids))
            await changed.wait()
            changed.clear()


async def watch_presence(profile: Profile) -> AsyncGenerator[frozenset[UUID]]:
    """Who shows that they are there, now and at each change; nobody, for who does not."""
    with profile.live.watch(None), profile.live.signals.watch() as changed:
        while True:
            yield profile.live.signals.here
            await changed.wait()
            changed.clear()


def _change(tx: Transaction, typing: bool | None, presence: bool | None) -> PrivacyRecord:
    before = vault.get_privacy(tx)
    after = PrivacyRecord(
        typing=before.typing if typing is None else typing,
        presence=before.presence if presence is None else presence,
    )
    vault.put_privacy(tx, after)
    return after


def _view(record: PrivacyRecord) -> Privacy:
    return Privacy(typing=record.typing, presence=record.presence)


def _names(tx: Transaction, conversation_id: UUID, user_ids: list[UUID]) -> tuple[str, ...]:
    """Of members alone; of nobody, where this person does not show it either."""
    if not vault.get_privacy(tx).typing:
        return ()
    seats = {seat.user_id: holder(seat) for seat in list_seats(tx, conversation_id)}
    return tuple(name_of(tx, seats[user_id]) for user_id in user_ids if user_id in seats)
