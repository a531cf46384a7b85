"""Pictures of people and of groups: messages like others, whose one file shows somebody.

Who reads the conversation can open them; the server cannot tell them from other files. Who joins
later sees what is set from then on.
"""

from pathlib import Path
from typing import Final
from uuid import UUID

from coterie.protocol.errors import Forbidden, Refused
from coterie.protocol.limits import AVATAR_BYTES
from coterie.protocol.roles import Action
from coterie.sdk import messages
from coterie.sdk.content import Portrayed
from coterie.sdk.conversations import find, ready
from coterie.sdk.entries import may_portray_group
from coterie.sdk.errors import BadInput, NotFoundHere
from coterie.sdk.log import Log
from coterie.sdk.people import holder, name_of
from coterie.sdk.profile import Profile
from coterie.sdk.timeline import view
from coterie.sdk.vault import Transaction, avatars
from coterie.sdk.vault.avatars import OF_GROUP
from coterie.sdk.vault.epochs import get_seat, list_seats
from coterie.sdk.vault.messages import list_messages
from coterie.sdk.views import Avatar, Message, Sent

_BEGINNINGS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF")


async def set_avatar(profile: Profile, target: str, path: Path, portrayed: Portrayed) -> Sent:
    """Raises BadInput for what is no picture, Refused for a group one may not change, OSError."""
    _require_picture(path)
    if portrayed is Portrayed.GROUP:
        record = await ready(profile, await find(profile, target))
        await profile.vault.read(lambda tx: _require_may(tx, profile, record.conversation_id))
    return await messages.send(profile, target, "", None, (path,), None, portrayed)


async def clear_avatar(profile: Profile, target: str, portrayed: Portrayed) -> None:
    """Deletes the message that brought it. Raises NotFoundHere, Refused."""
    wanted = None if portrayed is Portrayed.GROUP else profile.account.username
    for avatar in await list_avatars(profile, target):
        if avatar.username == wanted:
            await messages.delete(profile, target, avatar.message_id, None)
            return
    raise NotFoundHere("There is no picture to take away.")


async def list_avatars(profile: Profile, target: str) -> list[Avatar]:
    """The group's first, then those of its members by name."""
    conversation_id = await find(profile, target)
    await messages.caught_up(profile, conversation_id)
    return await profile.vault.read(lambda tx: _avatars(tx, conversation_id))


def _avatars(tx: Transaction, conversation_id: UUID) -> list[Avatar]:
    seats = {seat.identity_key: holder(seat) for seat in list_seats(tx, conversation_id)}
    found = [
        (None if key == OF_GROUP else name_of(tx, seats[key]), _message(tx, conversation_id, seq))
        for key, seq in avatars.list_avatars(tx, conversation_id).items()
        if key == OF_GROUP or key in seats
    ]
    views = [
        Avatar(
            username=name,
            file=message.files[0],
            message_id=message.message_id,
            set_by=message.sender,
            set_at=message.created_at,
        )
        for name, message in found
    ]
    return sorted(views, key=lambda one: one.username or "")


def _message(tx: Transaction, conversation_id: UUID, seq: int) -> Message:
    (record,) = list_messages(tx, conversation_id, seq + 1, 1)
    return view(tx, conversation_id, record)


def _require_may(tx: Transaction, profile: Profile, conversation_id: UUID) -> None:
    """The server cannot tell, and everybody else would pass over it."""
    state = Log.load(tx, profile.account, conversation_id).state
    if state.direct is not None:
        raise BadInput("Two who talk have no picture together; each may have one.")
    seat = get_seat(tx, conversation_id, profile.account.device_id)
    if seat is None or not may_portray_group(state, seat):
        raise Refused(Forbidden(Action.UPDATE_GROUP))


def _require_picture(path: Path) -> None:
    if path.stat().st_size > AVATAR_BYTES:
        raise BadInput(f"A picture has at most {AVATAR_BYTES // 1024} KiB. Make it smaller.")
    with path.open("rb") as file:
        if not file.read(8).startswith(_BEGINNINGS):
            raise BadInput(f"{path.name} is no picture. Take a PNG, a JPEG, a GIF or a WebP.")
