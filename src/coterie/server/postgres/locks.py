"""Locks that the kernel lets go of when their last holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from coterie.server.postgres.refusals import AlreadyRunning, PostgresUnavailable


class DataLock:
    """One Coterie server to a data folder. Its file names the holder, for the message to others."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._descriptor: int | None = None

    def take(self) -> Self:
        """Raises `AlreadyRunning` when another process holds it."""
        descriptor = open_lock(self._data / "lock")
        if not try_lock(descriptor):
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            process = f"process {holder}" if holder else "another process"
            raise AlreadyRunning(f"Coterie is already running on {self._data} ({process}).")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Let the next one in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def open_lock(path: Path) -> int:
    """A descriptor to lock; who inherits it holds the lock too."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PostgresUnavailable(f"{path} cannot be opened: {error.strerror}.") from None


def try_lock(descriptor: int) -> bool:
    """Take the lock now or not at all."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
