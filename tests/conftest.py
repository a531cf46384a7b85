"""What tests share: one PostgreSQL to the run, and a new database for each test that wants one."""

import asyncio
import shutil
from collections.abc import Callable, Generator, Iterator
from itertools import count

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from coterie.server.postgres import Postgres
from coterie.server.storage.migrations import migrate
from tests.support.turns import turn


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The embedded PostgreSQL, set as it is shipped; its database `chatapp` holds the schema."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    with asyncio.Runner() as runner:
        runner.run(server.start())
        try:
            runner.run(migrate(server.url))
            yield server
        finally:
            runner.run(server.stop())
            shutil.rmtree(server.data)  # pytest would keep the databases of three runs


@pytest.fixture(scope="session")
def make_database(postgres_server: Postgres) -> Callable[[str], str]:
    """Make a database from the given template (`chatapp`, or `template0` for an empty one)."""
    numbers = count(1)

    def make(template: str = "chatapp") -> str:
        name = f"test_{next(numbers)}"
        statement = SQL("CREATE DATABASE {} TEMPLATE {} OWNER dev")
        with psycopg.connect(postgres_server.superuser_url, autocommit=True) as connection:
            connection.execute(statement.format(Identifier(name), Identifier(template)))
        return make_conninfo(postgres_server.url, dbname=name)

    return make


@pytest.fixture
def database_url(make_database: Callable[[str], str]) -> str:
    """A database of its own for the test, with the schema and no rows."""
    return make_database("chatapp")


@pytest.fixture
def empty_database_url(make_database: Callable[[str], str]) -> str:
    """A database of its own for the test, with nothing in it."""
    return make_database("template0")
