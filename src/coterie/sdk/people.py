"""Who is who, as the store has it: the principal pinned under each name, and their rivals.

A name alone stands only for the pinned principal. Whoever comes with the same user id and another
identity key is shown with a mark, which no name can contain.
"""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.signatures import BadSignature
from coterie.governance.state import GroupState
from coterie.protocol import limits
from coterie.protocol.commands import User
from coterie.sdk.device_lists import take_device_list
from coterie.sdk.errors import BadAnswer, DeviceRevoked, IdentityChanged
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.accounts import get_account
from coterie.sdk.vault.device_lists import list_revoking_lists
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.pins import get_pin, get_pin_by_name, list_contested_pins, put_pin
from coterie.sdk.vault.records import ConversationRecord, PinRecord, Principal, SeatRecord

OTHER_IDENTITY: Final = "(another identity)"


def is_username(text: str) -> bool:
    """Whether somebody can be called this: a server could give any name, and so fake a mark."""
    return re.match(limits.USERNAME_PATTERN, text) is not None


def pin_user(tx: Transaction, user: User) -> PinRecord:
    """Note who the server says bears a name.

    Raises BadAnswer for a list that proves nothing, StaleDeviceList.
    """
    try:
        devices = DeviceList.decode(user.device_list)
        devices.verify()
    except (EncodingError, BadSignature):
        raise BadAnswer("a device list is not signed") from None
    if (devices.user_id, devices.identity_key) != (user.user_id, user.identity_key):
        raise BadAnswer("a device list is somebody else's")
    if not is_username(user.username):
        raise BadAnswer("nobody can have such a name")
    take_device_list(tx, devices)
    return note(tx, user.username, Principal(user.user_id, user.identity_key))


def note(tx: Transaction, username: str, principal: Principal) -> PinRecord:
    """Pin a principal seen under a name, or note it as the rival of another seen before."""
    pin = get_pin_by_name(tx, username) or get_pin(tx, principal.user_id)
    if pin is None:
        pin = PinRecord(username, principal)
        put_pin(tx, pin)
    elif principal != pin.principal and principal != pin.rival:
        pin = replace(pin, rival=principal)
        put_pin(tx, pin)
    return pin


def note_identity(tx: Transaction, principal: Principal) -> None:
    """Compare a principal found in a group with the pin of that user, if there is one."""
    pin = get_pin(tx, principal.user_id)
    if pin is not None:
        note(tx, pin.username, principal)


def is_other(tx: Transaction, who: Principal) -> bool:
    """Whether the user id is pinned, and to another identity than this one."""
    pin = get_pin(tx, who.user_id)
    return pin is not None and pin.principal != who


def name_of(tx: Transaction, who: Principal) -> str:
    """The pinned name, marked where it is another identity's; the id of somebody without one."""
    name = claimed_name(tx, who.user_id)
    return f"{name} {OTHER_IDENTITY}" if is_other(tx, who) else name


def claimed_name(tx: Transaction, user_id: UUID) -> str:
    """Of whom the server alone names: nothing that somebody signed may stand under this."""
    pin = get_pin(tx, user_id)
    return str(user_id) if pin is None else pin.username


def holder(seat: SeatRecord) -> Principal:
    return Principal(seat.user_id, seat.identity_key)


def seated(tx: Transaction, conversation_id: UUID) -> set[Principal]:
    """Who is in it, by the newest epoch."""
    return {holder(seat) for seat in list_seats(tx, conversation_id)}


def peer_of(tx: Transaction, record: ConversationRecord) -> Principal | None:
    """The other in a direct conversation, or oneself, as its verified state names them."""
    account = get_account(tx)
    if record.peer_id is None or account is None:
        return None
    key = GroupState.decode(record.state).peer_of(account.identity_key)
    return None if key is None else Principal(record.peer_id, key)


def target_of(tx: Transaction, record: ConversationRecord) -> str:
    """What a person types to mean this conversation, and no other."""
    peer = peer_of(tx, record)
    return str(record.conversation_id) if peer is None else f"@{name_of(tx, peer)}"


def require_uncontested(tx: Transaction, people: Iterable[Principal]) -> None:
    """Raises IdentityChanged when one of these is not the one pinned, or somebody says so."""
    here = set(people)
    for who in here:
        if is_other(tx, who):
            raise IdentityChanged(claimed_name(tx, who.user_id))
    user_ids = {who.user_id for who in here}
    for pin in list_contested_pins(tx):
        rival = pin.rival
        if pin.principal.user_id in user_ids or (rival and rival.user_id in user_ids):
            raise IdentityChanged(pin.username)


def require_unrevoked(tx: Transaction, seats: Iterable[SeatRecord]) -> None:
    """Raises DeviceRevoked where a device sits that its owner has revoked."""
    revoking = {devices.identity_key: devices for devices in list_revoking_lists(tx)}
    for seat in seats if revoking else ():
        devices = revoking.get(seat.identity_key)
        if devices is not None and devices.names_revoked(seat.device_id, seat.device_key):
            raise DeviceRevoked(name_of(tx, holder(seat)))
