"""The one PostgreSQL of a data folder: started, kept running, stopped."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from coterie.server.metrics import RESTARTS
from coterie.server.postgres.account import Account
from coterie.server.postgres.address import CLUSTER, PORT, make_socket_folder, socket_folder, url
from coterie.server.postgres.binaries import find_binaries
from coterie.server.postgres.cluster import SUPERUSER, Cluster
from coterie.server.postgres.locks import DataLock
from coterie.server.postgres.pidfile import forget
from coterie.server.postgres.postmaster import Postmaster, take_over
from coterie.server.postgres.refusals import PostgresUnavailable
from coterie.server.postgres.settings import arguments

LONGEST_BACKOFF = 5.0

log = structlog.get_logger()


class Postgres:
    """The PostgreSQL of the folder `data`, made if need be, and held against other servers.

    Start it in a thread that lives as long as the program (the main thread): the kernel stops
    PostgreSQL when that thread ends, so that it never outlives us.
    """

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = data.absolute()
        self.log_file = self.data / "postgres.log"
        self._sockets = socket_folder(self.data)
        self._arguments = arguments(settings or {}, self._sockets, PORT)
        self._lock = DataLock(self.data)
        self._postmaster: Postmaster | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """For psycopg and psql: the database `chatapp`, as its owner `dev`."""
        return url(self._sockets)

    @property
    def superuser_url(self) -> str:
        """For what an owner may not do, such as making databases."""
        return url(self._sockets, user=SUPERUSER, database="postgres")

    async def start(self) -> None:
        """Return when PostgreSQL answers.

        Raises `AlreadyRunning` when another server has the folder, and `PostgresUnavailable` for
        whatever else is in the way.
        """
        account = Account.choose()
        cluster = Cluster(self.data / CLUSTER, find_binaries(), account)
        self._make_data_folder(account)
        self._lock.take()
        self._stopping = False
        try:
            account.require_reach(self.data, cluster.binaries)
            await self._launch(cluster)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Shut down; everything committed is on disk. The folder is free for others afterwards."""
        self._stopping = True
        if self._postmaster and not self._postmaster.exited.is_set():
            await self._postmaster.stop()
        self._remove_socket_folder()
        self._lock.release()

    async def watch(self) -> None:
        """Start PostgreSQL again whenever it dies. Ends when `stop` is called, or cancelled."""
        while self._postmaster:
            await self._postmaster.exited.wait()
            if self._stopping:
                return
            log.error("postgres.died", code=self._postmaster.code)
            await self._revive(self._postmaster.cluster)

    async def _revive(self, cluster: Cluster) -> None:
        backoff = 0.1
        while not self._stopping:
            try:
                await self._launch(cluster)
            except PostgresUnavailable as error:
                log.error("postgres.restart_failed", reason=str(error))
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, LONGEST_BACKOFF)
            else:
                RESTARTS.add()
                log.info("postgres.restarted")
                return

    async def _launch(self, cluster: Cluster) -> None:
        lock = await take_over(cluster, self.data / "postgres.lock")
        try:
            await asyncio.to_thread(cluster.prepare, lock)
            make_socket_folder(self._sockets, cluster.account)
            if self._stopping:
                return
            forget(cluster.folder, self._sockets)  # we hold the lock: nobody lives there
            self._postmaster = Postmaster.start(cluster, self._arguments, self.log_file, lock)
        finally:
            os.close(lock)  # PostgreSQL has its own copy now
        await self._postmaster.ready()

    def _make_data_folder(self, account: Account) -> None:
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.data.mkdir(mode=0o700)
                account.own(self.data)
        except OSError as error:
            raise PostgresUnavailable(f"{self.data} cannot be made: {error.strerror}.") from None

    def _remove_socket_folder(self) -> None:
        """Leave nothing behind outside the data folder."""
        if self._sockets.parent != self.data:
            with contextlib.suppress(OSError):
                self._sockets.rmdir()
