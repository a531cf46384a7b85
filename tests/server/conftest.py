"""What the server's tests share."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from psycopg import AsyncConnection

from coterie.server.app import running
from coterie.server.config import Config
from coterie.server.postgres.account import Account
from coterie.server.postgres.address import make_socket_folder, socket_folder, url
from coterie.server.postgres.cluster import Cluster
from coterie.server.postgres.locks import open_lock
from coterie.server.postgres.postmaster import Postmaster
from coterie.server.postgres.settings import arguments
from coterie.server.realtime.committer import Committer, running_committer
from coterie.server.realtime.hub import Hub
from coterie.server.storage.migrations import migrate
from tests.server.client import NewPerson, Person
from tests.server.population import Population

SYSTEM_POSTGRES = Path("/usr/lib/postgresql/15/bin")
"""The oldest PostgreSQL that Coterie works with, on machines that have it."""


@pytest.fixture(scope="session")
def system_chatapp_url() -> Iterator[str]:
    """PostgreSQL 15 of the system; its database `chatapp` holds the schema."""
    data = Path(tempfile.mkdtemp(prefix="coterie-pg15-"))
    account = Account.choose()
    cluster = Cluster(data / "postgres", SYSTEM_POSTGRES, account)
    account.own(data)
    sockets = socket_folder(data)
    make_socket_folder(sockets, account)
    with asyncio.Runner() as runner:
        postmaster = runner.run(_start(cluster, sockets, data))
        try:
            runner.run(migrate(url(sockets)))
            yield url(sockets)
        finally:
            runner.run(postmaster.stop())
            shutil.rmtree(data)


async def _start(cluster: Cluster, sockets: Path, data: Path) -> Postmaster:
    lock = open_lock(data / "postgres.lock")
    await asyncio.to_thread(cluster.prepare, lock)
    (data / "postgres.log").touch()
    postmaster = Postmaster.start(
        cluster, arguments({}, sockets, 5432), data / "postgres.log", lock
    )
    os.close(lock)
    await postmaster.ready()
    return postmaster


@pytest.fixture(scope="module")
def module_database_url(make_database: Callable[[str], str]) -> str:
    return make_database("chatapp")


@pytest.fixture
def database(module_database_url: str) -> Iterator[psycopg.Connection]:
    """A look at, and a hand on, what the module's server remembers."""
    with psycopg.connect(module_database_url, autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server_url(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A server for the tests of a module, with a database of its own."""
    data = tmp_path_factory.mktemp("data")
    async with running(Config(data=data, database=module_database_url, port=0)) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def http(server_url: str) -> AsyncIterator[ClientSession]:
    async with ClientSession(server_url) as session:
        yield session


@pytest.fixture
def new_person(http: ClientSession) -> NewPerson:
    """Sign somebody up."""

    async def new(name: str) -> Person:
        return await Person(http, name).sign_up()

    return new


@pytest.fixture
async def population(database_url: str) -> AsyncIterator[Population]:
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield Population(connection)


@pytest.fixture
async def committer(database_url: str) -> AsyncIterator[Committer]:
    async with running_committer(database_url, Hub()) as committer:
        yield committer


@pytest.fixture
def unused_port() -> Callable[[], int]:
    """A port that was free a moment ago."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find
