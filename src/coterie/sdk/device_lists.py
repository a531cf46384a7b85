"""Which devices are somebody's: the newest list seen counts, and no server takes it back.

Only lists that the identity has signed are remembered. What messages say of their sender's list is
signed by a device alone: a stolen one could name a version that never comes.
"""

from collections.abc import Iterable

from coterie.governance.device_lists import DeviceList
from coterie.sdk.errors import StaleDeviceList
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.device_lists import get_device_list, put_device_list


def take_device_list(tx: Transaction, devices: DeviceList) -> None:
    """Remember a list that the server gives as the newest, its signature verified by the caller.

    Raises StaleDeviceList where it is not, or leaves out what an earlier one said.
    """
    known = get_device_list(tx, devices.identity_key)
    if known is None or devices.is_later_than(known):
        put_device_list(tx, devices)
    elif devices != known:
        raise StaleDeviceList(devices.version, known.version)


def note_device_lists(tx: Transaction, lists: Iterable[DeviceList]) -> None:
    """Remember what commits bring. An older one is no lie there: it was the newest in its time."""
    for devices in lists:
        known = get_device_list(tx, devices.identity_key)
        if known is None or devices.is_later_than(known):
            put_device_list(tx, devices)
