"""The migrations runner, and that `init.sql` and the steps lead to the same place."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from coterie.server.storage.migrations import SchemaUnusable, migrate, migrations
from coterie.server.storage.schema import SCHEMA

CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, udt_name, character_maximum_length,
               numeric_precision, is_nullable, column_default, is_identity, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": """
        SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal""",
    "functions": """
        SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')""",
    "sequences": """
        SELECT sequencename, data_type::text, start_value, increment_by, cycle FROM pg_sequences
        WHERE schemaname = 'public'""",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "types": """
        SELECT typname, typtype::text, (SELECT array_agg(enumlabel::text ORDER BY enumsortorder)
            FROM pg_enum WHERE enumtypid = pg_type.oid)
        FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')""",
    "comments": """
        SELECT objoid::regclass::text, objsubid, description FROM pg_description
        JOIN pg_class ON pg_class.oid = objoid AND relnamespace = 'public'::regnamespace
        WHERE classoid = 'pg_class'::regclass""",
    "version": "SELECT max(version) FROM schema_version",
}


def catalogue(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything `init.sql` defines, in an order that does not depend on how it came about."""
    with psycopg.connect(url) as connection:
        return {
            what: sorted(connection.execute(query.encode()).fetchall(), key=repr)
            for what, query in CATALOGUE.items()
        }


def run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


FIRST = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY);
INSERT INTO schema_version VALUES (1);
CREATE TABLE pens (id INTEGER);
"""
SECOND = "ALTER TABLE pens ADD COLUMN ink TEXT;"
CURRENT = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY);
INSERT INTO schema_version VALUES (2);
CREATE TABLE pens (id INTEGER, ink TEXT);
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    """A schema with a history: its second version added a column."""
    steps = tmp_path / "migrations"
    steps.mkdir()
    (steps / "0001_first.sql").write_text(FIRST)
    (steps / "0002_ink.sql").write_text(SECOND)
    (tmp_path / "init.sql").write_text(CURRENT)
    return tmp_path


async def test_an_existing_installation_ends_where_a_new_one_begins(
    make_database: Callable[[str], str],
) -> None:
    new, existing = make_database("template0"), make_database("template0")
    await migrate(new)
    run(existing, migrations()[1].read_text())
    await migrate(existing)
    assert catalogue(existing) == catalogue(new)
    assert len(catalogue(new)["columns"]) > 50, "the comparison looks at the real schema"


async def test_the_comparison_sees_a_forgotten_step(
    make_database: Callable[[str], str], schema: Path
) -> None:
    new, existing = make_database("template0"), make_database("template0")
    await migrate(new, schema)
    run(existing, migrations(schema)[1].read_text())
    assert catalogue(existing) != catalogue(new)
    await migrate(existing, schema)
    assert catalogue(existing) == catalogue(new)


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    before = catalogue(database_url)
    assert await migrate(database_url) == max(migrations())
    assert catalogue(database_url) == before


async def test_a_newer_schema_is_refused_untouched(empty_database_url: str, schema: Path) -> None:
    await migrate(empty_database_url, schema)
    run(empty_database_url, "INSERT INTO schema_version VALUES (7)")
    before = catalogue(empty_database_url)
    with pytest.raises(SchemaUnusable, match="version 7, made by a newer Coterie"):
        await migrate(empty_database_url, schema)
    assert catalogue(empty_database_url) == before


async def test_a_database_of_somebody_else_is_refused(empty_database_url: str) -> None:
    run(empty_database_url, "CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(SchemaUnusable, match="invoices"):
        await migrate(empty_database_url)


async def test_a_step_that_fails_leaves_the_steps_before_it(
    empty_database_url: str, schema: Path
) -> None:
    run(empty_database_url, migrations(schema)[1].read_text())
    broken = schema / "migrations" / "0003_broken.sql"
    broken.write_text("CREATE TABLE caps (id INTEGER); ALTER TABLE nothing ADD COLUMN x TEXT;")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await migrate(empty_database_url, schema)
    assert catalogue(empty_database_url)["version"] == [(2,)], "the good step counts"
    assert "caps" not in str(catalogue(empty_database_url)), "nothing of the broken one does"
    broken.write_text("CREATE TABLE caps (id INTEGER);")
    assert await migrate(empty_database_url, schema) == 3, "and it can be tried again"


async def test_servers_that_start_together_take_turns(
    make_database: Callable[[str], str],
) -> None:
    url = make_database("template0")
    versions = await asyncio.gather(*(migrate(url) for _ in range(5)))
    assert versions == [max(migrations())] * 5, "four found it done, none tried it twice"


def test_versions_follow_each_other_without_gaps() -> None:
    assert list(migrations()) == list(range(1, len(migrations()) + 1))
    assert SCHEMA.joinpath("init.sql").exists()
