"""Where PostgreSQL is reached: a Unix socket, in a folder that only its owner enters."""

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from coterie.server.postgres.account import Account
from coterie.server.postgres.pidfile import PidFile
from coterie.server.postgres.refusals import PostgresUnavailable

PORT = 5432
"""Part of the socket's name; nothing listens on TCP."""

CLUSTER = "postgres"
"""The folder of PostgreSQL's data, below Coterie's data folder."""

LONGEST_SOCKET = 100
"""In bytes. Systems refuse more than 104 to 108."""


def socket_folder(data: Path) -> Path:
    """The folder for the socket: `run` below the data, unless that makes the path too long."""
    below = data / "run"
    if _fits(below):
        return below
    name = f"coterie-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    for runtime in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if runtime and os.access(runtime, os.W_OK) and _fits(folder := Path(runtime, name)):
            return folder
    raise PostgresUnavailable(
        f"The path of {data} is too long for a Unix socket, and so is that of the temporary folder."
        " Choose a shorter one with --data."
    )


def make_socket_folder(folder: Path, account: Account) -> None:
    """Make it for its owner alone; refuse one that somebody else put there first."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        account.own(folder)
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    if not private or found.st_uid != account.uid:
        raise PostgresUnavailable(
            f"{folder}, where PostgreSQL's socket belongs, is not a folder of mode 0700 of user id"
            f" {account.uid}. Remove it."
        )


def url(folder: Path, *, user: str = "dev", database: str = "chatapp", port: int = PORT) -> str:
    """A libpq URL, for psycopg and psql alike."""
    host = quote(str(folder), safe="")
    return f"postgresql://{quote(user)}@/{quote(database)}?host={host}&port={port}"


def find_url(data: Path) -> str:
    """The URL of the PostgreSQL that a running Coterie server keeps in `data`.

    Raises `PostgresUnavailable` when none answers there.
    """
    data = data.absolute()
    try:
        running = PidFile.read(data / CLUSTER)
        if running and running.answers():
            return url(running.socket_folder, port=running.port)
    except PermissionError as error:
        raise PostgresUnavailable(
            f"{error.filename or data} belongs to another user. Ask as the one who started Coterie."
        ) from None
    raise PostgresUnavailable(
        f"No PostgreSQL runs on {data}. Start it with: coterie serve --data {data}"
    )


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET
