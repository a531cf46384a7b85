"""The founding schema, transcribed, against a live catalogue; and the structs against all of it.

On the PostgreSQL that Coterie brings, and on the system's PostgreSQL 15 where there is one.
"""

import types
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import psycopg
import pytest

from coterie.server.postgres import Postgres
from coterie.server.storage import tables
from coterie.server.storage.tables import Row, Sql
from tests.server.conftest import SYSTEM_POSTGRES

# --- what the founding document asks for

UUID_KEY = ("uuid", True, "gen_random_uuid()")
SERIAL = ("integer", True, "nextval")
NOW = ("timestamp with time zone", False, "now()")
ID, NULL_ID = ("uuid", True, None), ("uuid", False, None)
TEXT, NULL_TEXT = ("text", True, None), ("text", False, None)

FOUNDING_COLUMNS: dict[str, dict[str, tuple[str, bool, str | None]]] = {
    "groups": {
        "id": UUID_KEY,
        "name": ("character varying(100)", True, None),
        "description": NULL_TEXT,
        "avatar_url": NULL_TEXT,
        "owner_id": ID,
        "created_at": NOW,
        "updated_at": NOW,
    },
    "group_members": {
        "id": SERIAL,
        "group_id": ID,
        "user_id": ID,
        "role": ("character varying(20)", True, "'member'::character varying"),
        "joined_at": NOW,
    },
    "group_invites": {
        "id": UUID_KEY,
        "group_id": ID,
        "code": ("character varying(20)", True, None),
        "created_by": ID,
        "expires_at": ("timestamp with time zone", False, None),
        "max_uses": ("integer", False, None),
        "uses": ("integer", False, "0"),
        "created_at": NOW,
    },
    "group_bans": {
        "id": SERIAL,
        "group_id": ID,
        "user_id": ID,
        "banned_by": ID,
        "reason": NULL_TEXT,
        "banned_at": NOW,
    },
    "files": {
        "id": UUID_KEY,
        "conversation_id": NULL_ID,
        "message_id": ("integer", False, None),
        "uploader_id": ID,
        "filename": ("character varying(255)", True, None),
        "mime_type": ("character varying(127)", True, None),
        "size_bytes": ("bigint", True, None),
        "storage_path": TEXT,
        "encryption_header": ("bytea", True, None),
        "created_at": NOW,
    },
    "reactions": {
        "id": SERIAL,
        "message_id": ("integer", True, None),
        "user_id": ID,
        "emoji": ("character varying(32)", True, None),
        "created_at": NOW,
    },
    "messages": {
        "id": SERIAL,
        "group_id": NULL_ID,
        "reply_to_id": ("integer", False, None),
        "recipient_id": NULL_ID,
    },
    "users": {"id": UUID_KEY},
}
"""Column: type, NOT NULL, default."""

FOUNDING_CONSTRAINTS = {
    "groups": {"PRIMARY KEY (id)", "FOREIGN KEY (owner_id) REFERENCES users(id)"},
    "group_members": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE",
        "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
        "UNIQUE (group_id, user_id)",
    },
    "group_invites": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE",
        "FOREIGN KEY (created_by) REFERENCES users(id)",
        "UNIQUE (code)",
    },
    "group_bans": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE",
        "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
        "FOREIGN KEY (banned_by) REFERENCES users(id)",
        "UNIQUE (group_id, user_id)",
    },
    "files": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE SET NULL",
        "FOREIGN KEY (uploader_id) REFERENCES users(id)",
    },
    "reactions": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE",
        "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
        "UNIQUE (message_id, user_id, emoji)",
    },
    "messages": {
        "PRIMARY KEY (id)",
        "FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE",
        "FOREIGN KEY (reply_to_id) REFERENCES messages(id) ON DELETE SET NULL",
    },
    "users": {"PRIMARY KEY (id)"},
}

FOUNDING_INDEXES = {
    "idx_group_members_group_id": ("group_members", "group_id"),
    "idx_group_members_user_id": ("group_members", "user_id"),
    "idx_group_invites_code": ("group_invites", "code"),
    "idx_files_message_id": ("files", "message_id"),
    "idx_files_uploader_id": ("files", "uploader_id"),
    "idx_reactions_message_id": ("reactions", "message_id"),
}

# --- reading the catalogue

Columns = dict[str, dict[str, tuple[str, bool, str | None]]]


@pytest.fixture
def chatapp_url(postgres_server: Postgres) -> str:
    return postgres_server.url


SERVERS = ["chatapp_url", *(["system_chatapp_url"] if SYSTEM_POSTGRES.exists() else [])]


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A transaction on a database with the schema and no rows; nothing of it is kept."""
    with psycopg.connect(request.getfixturevalue(request.param)) as connection:
        yield connection
        connection.rollback()


def columns(database: psycopg.Connection) -> Columns:
    found: Columns = {}
    for table, name, kind, required, default in database.execute(
        """SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid)
           FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
           LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
           WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
             AND attnum > 0 AND NOT attisdropped ORDER BY relname, attnum"""
    ):
        if default == f"nextval('{table}_{name}_seq'::regclass)":
            default = "nextval"
        found.setdefault(table, {})[name] = (kind, required, default)
    return found


def constraints(database: psycopg.Connection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, definition in database.execute(
        """SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"""
    ):
        found.setdefault(table, set()).add(definition)
    return found


# --- the founding schema


def test_every_founding_column_exists_as_it_was_asked_for(database: psycopg.Connection) -> None:
    found = columns(database)
    for table, wanted in FOUNDING_COLUMNS.items():
        assert {name: found[table].get(name) for name in wanted} == wanted, table


def test_every_key_and_check_exists(database: psycopg.Connection) -> None:
    found = constraints(database)
    for table, wanted in FOUNDING_CONSTRAINTS.items():
        assert wanted <= found[table], table
    check = next(text for text in found["group_members"] if text.startswith("CHECK"))
    assert all(f"'{role}'" in check for role in ("owner", "admin", "moderator", "member")), check


def test_every_index_exists(database: psycopg.Connection) -> None:
    found = {
        name: (table, definition.partition("USING btree ")[2])
        for name, table, definition in database.execute(
            "SELECT indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
    }
    for name, (table, column) in FOUNDING_INDEXES.items():
        assert found[name] == (table, f"({column})")


def test_what_was_added_never_stands_in_the_way(database: psycopg.Connection) -> None:
    """A plain insert of the founding columns need not know of any other."""
    for table, wanted in FOUNDING_COLUMNS.items():
        for name, (_, required, default) in columns(database)[table].items():
            assert name in wanted or not required or default is not None, f"{table}.{name}"


# --- plain inserts of the founding columns


@pytest.fixture
def person(database: psycopg.Connection) -> Callable[[], UUID]:
    return lambda: value(database, "INSERT INTO users DEFAULT VALUES RETURNING id")


@pytest.fixture
def group(database: psycopg.Connection, person: Callable[[], UUID]) -> UUID:
    """A row of a group alone: its owner's row as a member need not exist yet."""
    sql = "INSERT INTO groups (name, owner_id) VALUES ('Book club', %s) RETURNING id"
    return value(database, sql, person())


def value(database: psycopg.Connection, sql: str, *values: object) -> Any:
    row = database.execute(sql.encode(), values).fetchone()
    assert row is not None
    return row[0]


def test_plain_inserts_succeed_with_the_founding_defaults(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID
) -> None:
    chen, bela = person(), person()
    member = "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s) RETURNING role"
    assert value(database, member, group, chen) == "member"
    invite = "INSERT INTO group_invites (group_id, code, created_by) VALUES (%s, 'c', %s)"
    assert value(database, invite + " RETURNING uses", group, chen) == 0
    ban = "INSERT INTO group_bans (group_id, user_id, banned_by) VALUES (%s, %s, %s)"
    assert value(database, ban + " RETURNING banned_at", group, bela, chen) is not None
    first = value(database, "INSERT INTO messages (group_id) VALUES (%s) RETURNING id", group)
    reply = "INSERT INTO messages (group_id, reply_to_id) VALUES (%s, %s) RETURNING id"
    assert value(database, reply, group, first) == first + 1
    direct = "INSERT INTO messages (recipient_id) VALUES (%s) RETURNING group_id"
    assert value(database, direct, chen) is None
    react = "INSERT INTO reactions (message_id, user_id, emoji) VALUES (%s, %s, %s) RETURNING id"
    assert value(database, react, first, chen, "\N{THUMBS UP SIGN}") > 0
    file = """INSERT INTO files (conversation_id, message_id, uploader_id, filename, mime_type,
              size_bytes, storage_path, encryption_header)
              VALUES (%s, %s, %s, 'n', 'm', 0, 'p', 'h') RETURNING created_at"""
    assert value(database, file, group, first, chen) is not None
    assert value(database, file, None, None, chen) is not None


def test_an_emoji_reacts_once_per_person_and_message(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID
) -> None:
    message = value(database, "INSERT INTO messages (group_id) VALUES (%s) RETURNING id", group)
    react = "INSERT INTO reactions (message_id, user_id, emoji) VALUES (%s, %s, 'x')"
    chen = person()
    database.execute(react, [message, chen])
    database.execute(react, [message, person()])
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(react, [message, chen])


NOWHERE = UUID(int=7)
MEMBER = "INSERT INTO group_members (group_id, user_id) VALUES "
INVITE = "INSERT INTO group_invites (group_id, code, created_by) VALUES "
BAN = "INSERT INTO group_bans (group_id, user_id, banned_by) VALUES "
REACTION = "INSERT INTO reactions (message_id, user_id, emoji) VALUES "
FILE = """INSERT INTO files (uploader_id, message_id, filename, mime_type, size_bytes, storage_path,
          encryption_header) VALUES (%(user)s, NULL, 'n', 'm', 0, 'p', 'h')"""
POINTING_NOWHERE = {
    "groups.owner_id": "INSERT INTO groups (name, owner_id) VALUES ('g', %(nowhere)s)",
    "group_members.group_id": MEMBER + "(%(nowhere)s, %(user)s)",
    "group_members.user_id": MEMBER + "(%(group)s, %(nowhere)s)",
    "group_invites.group_id": INVITE + "(%(nowhere)s, 'c', %(user)s)",
    "group_invites.created_by": INVITE + "(%(group)s, 'c', %(nowhere)s)",
    "group_bans.group_id": BAN + "(%(nowhere)s, %(user)s, %(user)s)",
    "group_bans.user_id": BAN + "(%(group)s, %(nowhere)s, %(user)s)",
    "group_bans.banned_by": BAN + "(%(group)s, %(user)s, %(nowhere)s)",
    "messages.group_id": "INSERT INTO messages (group_id) VALUES (%(nowhere)s)",
    "messages.recipient_id": "INSERT INTO messages (recipient_id) VALUES (%(nowhere)s)",
    "messages.reply_to_id": "INSERT INTO messages (group_id, reply_to_id) VALUES (%(group)s, 7777)",
    "reactions.message_id": REACTION + "(7777, %(user)s, 'x')",
    "reactions.user_id": REACTION + "(%(message)s, %(nowhere)s, 'x')",
    "files.uploader_id": FILE.replace("%(user)s", "%(nowhere)s"),
    "files.message_id": FILE.replace("NULL", "7777"),
}


@pytest.mark.parametrize("key", POINTING_NOWHERE)
def test_foreign_keys_bite(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID, key: str
) -> None:
    message = value(database, "INSERT INTO messages (group_id) VALUES (%s) RETURNING id", group)
    known = {"nowhere": NOWHERE, "group": group, "user": person(), "message": message}
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refusal:
        database.execute(POINTING_NOWHERE[key].encode(), known)
    table, column = key.split(".")
    assert refusal.value.diag.constraint_name == f"{table}_{column}_fkey"


COUNTED = "INSERT INTO group_invites (group_id, code, created_by, uses, max_uses) VALUES "
MEANINGLESS = {
    "neither recipient nor group": "INSERT INTO messages DEFAULT VALUES",
    "both recipient and group": """INSERT INTO messages (group_id, recipient_id)
        VALUES (%(group)s, %(user)s)""",
    "a negative use count": COUNTED + "(%(group)s, 'c', %(user)s, -1, NULL)",
    "more uses than allowed": COUNTED + "(%(group)s, 'c', %(user)s, 3, 2)",
    "a role that is none": """INSERT INTO group_members (group_id, user_id, role)
        VALUES (%(group)s, %(user)s, 'king')""",
}


@pytest.mark.parametrize("what", MEANINGLESS)
def test_what_means_nothing_is_refused(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID, what: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(MEANINGLESS[what].encode(), {"group": group, "user": person()})


def test_a_group_has_at_most_one_owner(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID
) -> None:
    own = "INSERT INTO group_members (group_id, user_id, role) VALUES (%s, %s, 'owner')"
    database.execute(own, [group, person()])
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(own, [group, person()])


def test_a_deleted_group_takes_its_own_along_and_nothing_else(
    database: psycopg.Connection, person: Callable[[], UUID], group: UUID
) -> None:
    chen = person()
    database.execute("INSERT INTO group_members (group_id, user_id) VALUES (%s, %s)", [group, chen])
    database.execute("INSERT INTO messages (group_id) VALUES (%s)", [group])
    database.execute("DELETE FROM groups WHERE id = %s", [group])
    assert value(database, "SELECT count(*) FROM group_members") == 0
    assert value(database, "SELECT count(*) FROM messages") == 0
    assert value(database, "SELECT count(*) FROM users WHERE id = %s", chen) == 1


# --- the structs


def struct_columns(row: type[Row]) -> dict[str, tuple[str, bool, str | None]]:
    hints = get_type_hints(row, include_extras=True)
    return {name: _column(hint) for name, hint in hints.items() if name != "table"}


def _column(hint: Any) -> tuple[str, bool, str | None]:
    optional = get_origin(hint) in (Union, types.UnionType)
    annotated = next(part for part in (get_args(hint) if optional else (hint,)) if part is not None)
    assert get_origin(annotated) is Annotated
    python, sql = get_args(annotated)
    assert isinstance(sql, Sql)
    assert issubclass(python, PYTHON_TYPES[sql.type.partition("(")[0]]), (python, sql)
    return sql.type, not optional, sql.default


PYTHON_TYPES = {
    "bigint": int,
    "boolean": bool,
    "bytea": bytes,
    "character varying": str,
    "integer": int,
    "smallint": int,
    "text": str,
    "timestamp with time zone": datetime,
    "uuid": UUID,
}


def test_the_structs_are_the_tables(database: psycopg.Connection) -> None:
    structs = {row.table: struct_columns(row) for row in Row.__subclasses__()}
    found = columns(database)
    assert structs.keys() == found.keys()
    for table, wanted in found.items():
        assert list(structs[table].items()) == list(wanted.items()), table


def test_the_structs_bear_the_founding_names() -> None:
    names = ("Group", "GroupMember", "GroupInvite", "GroupBan", "FileRecord", "Reaction", "Message")
    assert all(issubclass(getattr(tables, name), Row) for name in names)
    assert [role.value for role in tables.GroupRole] == ["member", "moderator", "admin", "owner"]
