"""As whom PostgreSQL runs: it refuses to be root.

An ordinary user runs it as themselves. For root it runs in a user namespace, where root's own
files belong to an ordinary user, so that it reaches data below a 0700 folder. Where namespaces are
refused (many containers), it runs as a system user, who must be able to reach data and binaries: no
mode of a folder that is not ours is ever changed.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from coterie.server.postgres.refusals import PostgresUnavailable

SYSTEM_USERS = ("coterie", "postgres", "nobody")
"""Tried in this order when root may not make a user namespace."""


@dataclass(frozen=True)
class Account:
    """`prefix` comes before every command; `system_user` is set where privileges are dropped."""

    prefix: tuple[str, ...] = ()
    system_user: pwd.struct_passwd | None = None

    @classmethod
    def choose(cls) -> Self:
        """The least surprising account that PostgreSQL accepts on this machine."""
        if os.geteuid() != 0:
            return cls(_die_with_us())
        inside = _namespace()
        if inside and _succeeds([*inside, "true"]):
            return cls((*inside, *_die_with_us()))
        return cls(_die_with_us(), _system_user())

    @property
    def uid(self) -> int:
        """The owner, seen from outside, of everything PostgreSQL writes."""
        return self.system_user.pw_uid if self.system_user else os.geteuid()

    def run(
        self, command: Sequence[str | Path], *inherit: int, stdin: Path = Path(os.devnull)
    ) -> None:
        """Run to the end, with the locks in `inherit`.

        Raises `subprocess.CalledProcessError` with what was printed.
        """
        with stdin.open("rb") as source:
            process = self.start(
                command, stdin=source.fileno(), stdout=subprocess.PIPE, inherit=inherit
            )
            printed, _ = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(command), printed)

    def start(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int,
        inherit: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        """Start in a session of its own, so that a signal to our process group is ours alone."""
        user = self.system_user
        return subprocess.Popen(
            [*self.prefix, *command],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd="/",
            # Nothing else of our environment, which may hold secrets.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            pass_fds=inherit,
            start_new_session=True,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=[] if user else None,
        )

    def own(self, folder: Path) -> None:
        """Hand over a folder that Coterie has just made."""
        if self.system_user:
            os.chown(folder, self.system_user.pw_uid, self.system_user.pw_gid)

    def require_reach(self, *folders: Path) -> None:
        """Refuse, naming the first folder that a dropped user cannot enter."""
        if not self.system_user:
            return
        for folder in folders:
            for step in reversed((folder, *folder.parents)):
                self._require_entry(step)

    def _require_entry(self, folder: Path) -> None:
        try:
            self.run(["test", "-x", folder])
        except subprocess.CalledProcessError:
            name = self.system_user.pw_name if self.system_user else ""
            raise PostgresUnavailable(
                f"PostgreSQL would have to run as the user {name} here, who cannot enter {folder}."
                f" Let {name} enter it, choose another folder with --data, or start Coterie as an"
                " ordinary user."
            ) from None


def _namespace() -> tuple[str, ...]:
    """A user namespace in which our files belong to somebody who is not root.

    initdb looks its user up by name, so the user must exist; which one it is does not matter.
    """
    user = next((user for user in pwd.getpwall() if user.pw_uid != 0), None)
    if user is None:
        return ()
    return ("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")


def _system_user() -> pwd.struct_passwd:
    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable(
        "PostgreSQL refuses to run as root, and this machine has none of the users"
        f" {', '.join(SYSTEM_USERS)}. Make one (useradd --system coterie), or start Coterie as an"
        " ordinary user."
    )


def _die_with_us() -> tuple[str, ...]:
    """Have the kernel ask for a fast shutdown (SIGINT) when Coterie is killed, where it can."""
    ask = ("setpriv", "--pdeathsig", "INT")
    return ask if _succeeds([*ask, "true"]) else ()


def _succeeds(command: Sequence[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
