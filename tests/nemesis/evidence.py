"""What the database and the disk hold, for the checkers."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg

from tests.nemesis.journal import Deed, Found


class Logged(msgspec.Struct, frozen=True):
    seq: int
    hash: bytes
    chain: bytes


class Evidence(msgspec.Struct, kw_only=True):
    """`unread`: how many messages of others by the count of the database, by name.
    `stored` and `blobs` are names with sizes: of the rows, and on the disk."""

    deeds: Sequence[Deed]
    found: Sequence[Found]
    log: Sequence[Logged]
    head: Logged
    unread: dict[str, int]
    stored: dict[str, int]
    blobs: dict[str, int]


def gather(
    connection: psycopg.Connection,
    folder: Path,
    group: str,
    deeds: Sequence[Deed],
    found: Sequence[Found],
) -> Evidence:
    """From a server that is at rest, as this connection sees it."""
    place = {"id": UUID(group)}
    log = connection.execute(_LOG, place).fetchall()
    (head,) = connection.execute(_HEAD, place).fetchall()
    return Evidence(
        deeds=deeds,
        found=found,
        log=[Logged(*row) for row in log],
        head=Logged(head[0], b"", head[1]),
        unread=dict(connection.execute(_UNREAD, place).fetchall()),
        stored=dict(connection.execute(_FILES).fetchall()),
        blobs={path.name: path.stat().st_size for path in folder.iterdir()},
    )


_LOG = """
SELECT seq, entry_hash, chain FROM messages WHERE conversation_id = %(id)s
UNION ALL SELECT seq, entry_hash, chain FROM entries WHERE conversation_id = %(id)s ORDER BY seq
"""
_HEAD = "SELECT seq, chain FROM conversations WHERE id = %(id)s"
_UNREAD = """
SELECT username, count(messages.id)
FROM group_members JOIN users ON users.id = group_members.user_id
LEFT JOIN read_positions ON read_positions.user_id = users.id
    AND read_positions.conversation_id = group_members.group_id
LEFT JOIN messages ON messages.conversation_id = group_members.group_id
    AND messages.seq > coalesce(read_positions.seq, 0) AND messages.sender_id <> users.id
    AND messages.deleted_at IS NULL
WHERE group_members.group_id = %(id)s GROUP BY username
"""
_FILES = "SELECT storage_path, size_bytes FROM files"
