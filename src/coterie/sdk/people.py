"""Who is who, as the store has it: the principal pinned under each name, and their rivals."""

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError
from coterie.governance.signatures import BadSignature
from coterie.protocol.commands import User
from coterie.sdk.errors import BadAnswer, IdentityChanged
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.pins import get_pin, get_pin_by_name, list_contested_pins, put_pin
from coterie.sdk.vault.records import PinRecord, Principal


def pin_user(tx: Transaction, user: User) -> PinRecord:
    """Note who the server says bears a name. Raises BadAnswer for a list that proves nothing."""
    try:
        devices = DeviceList.decode(user.device_list)
        devices.verify()
    except (EncodingError, BadSignature):
        raise BadAnswer("a device list is not signed") from None
    if (devices.user_id, devices.identity_key) != (user.user_id, user.identity_key):
        raise BadAnswer("a device list is somebody else's")
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


def name_of(tx: Transaction, user_id: UUID) -> str:
    """The pinned name; the id of somebody without one."""
    pin = get_pin(tx, user_id)
    return str(user_id) if pin is None else pin.username


def require_uncontested(tx: Transaction, user_ids: Iterable[UUID]) -> None:
    """Raises IdentityChanged when one of these has, or is, an identity not yet accepted."""
    here = set(user_ids)
    for pin in list_contested_pins(tx):
        rival = pin.rival
        if pin.principal.user_id in here or (rival and rival.user_id in here):
            raise IdentityChanged(pin.username)
