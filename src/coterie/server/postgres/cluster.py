"""The database cluster: the folder that holds PostgreSQL's data, made once and then kept.

It is made beside its place and moved there when complete, so that an interruption leaves nothing
half done.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coterie.server.postgres.account import Account
from coterie.server.postgres.binaries import major_version
from coterie.server.postgres.refusals import PostgresUnavailable
from coterie.server.storage.schema import SCHEMA

SUPERUSER = "postgres"
UNFINISHED = "postgres.unfinished-"


@dataclass(frozen=True)
class Cluster:
    """The cluster at `folder`, used by the programs in `binaries`, run as `account`."""

    folder: Path
    binaries: Path
    account: Account

    def prepare(self, lock: int) -> None:
        """Make the cluster if there is none; refuse one that these programs cannot use.

        `lock` (see `take_over`) goes to the programs that make it: no two make it at once, though
        one of them be an orphan.
        """
        for leftover in self.folder.parent.glob(f"{UNFINISHED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if not self.folder.exists():
            self._make(lock)
        self._require_version()
        self._require_owner()

    def _make(self, lock: int) -> None:
        unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder.parent))
        self.account.own(unfinished)
        try:
            self._initialise(unfinished, lock)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            printed = error.output.decode(errors="replace").strip()
            raise PostgresUnavailable(
                f"PostgreSQL could not make its data folder {self.folder}: {printed}"
            ) from None
        unfinished.rename(self.folder)
        _sync(self.folder.parent)

    def _initialise(self, folder: Path, lock: int) -> None:
        # The C locale: the programs bring no ICU, and its order does not depend on the machine.
        who = ["--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject"]
        how = ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        self.account.run([self.binaries / "initdb", *who, *how, "--pgdata", folder], lock)
        single = [self.binaries / "postgres", "--single", "-D", folder, SUPERUSER]
        self.account.run(single, lock, stdin=SCHEMA / "create.sql")

    def _require_version(self) -> None:
        version = self.folder / "PG_VERSION"
        if not version.exists():
            raise PostgresUnavailable(
                f"{self.folder} is not a data folder of PostgreSQL. Nothing in it was touched."
                " Move it away, or choose another folder with --data."
            )
        made_by, ours = version.read_text().strip(), major_version(self.binaries)
        if made_by != ours:
            raise PostgresUnavailable(
                f"{self.folder} was made by PostgreSQL {made_by}; this Coterie brings {ours}."
                " Nothing in it was touched. Dump it with the Coterie that made it (pg_dump) and"
                " restore it into a new folder, or serve it with a PostgreSQL of your own and"
                " --database URL."
            )

    def _require_owner(self) -> None:
        owner = self.folder.stat().st_uid
        if owner != self.account.uid:
            raise PostgresUnavailable(
                f"{self.folder} belongs to user id {owner}, but PostgreSQL would run as"
                f" {self.account.uid}. Start Coterie as its owner, or give it away with"
                f" chown -R {self.account.uid}."
            )


def _sync(folder: Path) -> None:
    """Make a rename in `folder` survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
