"""What PostgreSQL itself says of its running server, in `postmaster.pid`."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NAME = "postmaster.pid"


def forget(cluster: Path, sockets: Path) -> None:
    """Remove what a killed server left, which would make PostgreSQL believe that it lives.

    Only for who knows that it does not.
    """
    for stale in (cluster / NAME, *sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


@dataclass(frozen=True)
class PidFile:
    """`ready` once connections are accepted. The file outlives a server that was killed."""

    pid: int
    port: int
    socket_folder: Path
    ready: bool

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """None when there is no such file, or it is not yet complete."""
        try:
            lines = (cluster / NAME).read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(lines) < 5:
            return None
        # pid, data folder, start time, port, socket folder, listen address, shared memory, status
        return cls(int(lines[0]), int(lines[3]), Path(lines[4]), lines[7:8] == ["ready   "])

    def answers(self) -> bool:
        """Whether somebody listens on the socket."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / f".s.PGSQL.{self.port}"))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True
