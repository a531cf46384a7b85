"""Clearing away what has run out. Of files, that is the work of `leftovers`."""

from coterie.server.storage import devices
from coterie.server.storage.database import Tx


async def sweep(tx: Tx) -> None:
    """Sessions and key packages past their time."""
    await devices.remove_ended_sessions(tx)
    await devices.remove_ended_key_packages(tx)
