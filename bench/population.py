"""People, sessions and groups as rows: the bench needs them, and not how they came to be."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from coterie.protocol.commands import SendMessage
from coterie.protocol.header import NONCE_BYTES, EntryKind, Header
from coterie.server.operations.access import Actor
from coterie.server.operations.passwords import Passwords

CIPHERTEXT_BYTES = 300


class Seat(NamedTuple):
    """Somebody with a session, in their one group."""

    user_id: UUID
    device_id: UUID
    group_id: UUID
    token: str

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, self.device_id, _digest(self.token))

    def message(self) -> SendMessage:
        header = Header(self.group_id, 0, self.device_id, uuid4(), EntryKind.MESSAGE)
        entry = header.encode() + secrets.token_bytes(NONCE_BYTES + CIPHERTEXT_BYTES)
        return SendMessage(conversation_id=self.group_id, entry=entry)


def populate(url: str, groups: int, size: int) -> list[Seat]:
    """Write so many groups of so many people each; the first of each group owns it."""
    seats = list(_seats(groups, size))
    owners = seats[::size]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO users (id) VALUES (%s)", [(s.user_id,) for s in seats])
        cursor.executemany(
            "INSERT INTO devices (id, user_id, device_key, certificate) VALUES (%s, %s, %s, '')",
            [(s.device_id, s.user_id, s.device_id.bytes) for s in seats],
        )
        cursor.executemany(
            "INSERT INTO sessions (token_hash, user_id, device_id, expires_at)"
            " VALUES (%s, %s, %s, now() + interval '1 day')",
            [(_digest(s.token), s.user_id, s.device_id) for s in seats],
        )
        cursor.executemany(
            "INSERT INTO groups (id, name, owner_id) VALUES (%s, 'bench', %s)",
            [(s.group_id, s.user_id) for s in owners],
        )
        cursor.executemany(
            "INSERT INTO conversations (id, group_id, chain) VALUES (%s, %s, %s)",
            [(s.group_id, s.group_id, bytes(32)) for s in owners],
        )
        cursor.executemany(
            "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s)",
            [(s.group_id, s.user_id) for s in seats],
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return seats


def fill(url: str, messages: int) -> None:
    """So many messages in every conversation, by its group's owner."""
    content = Header(UUID(int=0), 0, UUID(int=0), UUID(int=0), EntryKind.MESSAGE).encode()
    content += bytes(NONCE_BYTES + CIPHERTEXT_BYTES)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO messages (sender_id, group_id, conversation_id, seq, epoch, device_id,
                                     client_id, content_ciphertext, entry_hash, chain)
               SELECT owner_id, g.id, g.id, seq, 0, d.id, gen_random_uuid(), %s, hash, hash
               FROM groups g JOIN devices d ON d.user_id = owner_id,
                    generate_series(1, %s) seq, sha256(int8send(seq)) hash""",
            (content, messages),
        )
        connection.execute("UPDATE conversations SET seq = %s", (messages,))
        connection.execute("VACUUM ANALYZE")


def add_to_all(url: str, seats: Sequence[Seat], username: str, password: str) -> UUID:
    """One more person, with an account and in every group of these; their device."""
    user_id, device_id = uuid4(), uuid4()
    password_hash = asyncio.run(Passwords().hash(password))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users (id, username, password_hash) VALUES (%s, %s, %s)",
            (user_id, username, password_hash),
        )
        cursor.execute(
            "INSERT INTO devices (id, user_id, device_key, certificate) VALUES (%s, %s, %s, '')",
            (device_id, user_id, device_id.bytes),
        )
        cursor.executemany(
            "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s)",
            [(group_id, user_id) for group_id in {seat.group_id for seat in seats}],
        )
    return device_id


def _seats(groups: int, size: int) -> Iterator[Seat]:
    for _ in range(groups):
        group_id = uuid4()
        for _ in range(size):
            yield Seat(uuid4(), uuid4(), group_id, secrets.token_urlsafe(32))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
