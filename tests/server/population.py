"""People and conversations as rows, for tests of what needs no MLS group behind them."""

import secrets
from typing import Any, LiteralString
from uuid import UUID, uuid4

from psycopg import AsyncConnection

from coterie.protocol.commands import SendMessage
from coterie.protocol.header import NO_TARGET, NONCE_BYTES, EntryKind, Header
from coterie.server.operations.access import Actor

GENESIS = bytes(32)


class Population:
    """Writes rows through a connection of its own, each at once."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def run(self, sql: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchall() if cursor.description else []

    async def person(self) -> Actor:
        """Somebody with one device; the token of their session is their device's id."""
        actor = Actor(uuid4(), uuid4(), secrets.token_bytes(32))
        await self.run("INSERT INTO users (id) VALUES (%s)", actor.user_id)
        await self.run(
            "INSERT INTO devices (id, user_id, device_key, certificate) VALUES (%s, %s, %s, %s)",
            actor.device_id,
            actor.user_id,
            secrets.token_bytes(32),
            bytes(137),
        )
        return actor

    async def people(self, count: int) -> list[Actor]:
        return [await self.person() for _ in range(count)]

    async def group(self, owner: Actor, *members: Actor) -> UUID:
        group_id = uuid4()
        await self.run(
            "INSERT INTO groups (id, name, owner_id) VALUES (%s, 'a group', %s)",
            group_id,
            owner.user_id,
        )
        await self.run(
            "INSERT INTO conversations (id, group_id, chain) VALUES (%s, %s, %s)",
            group_id,
            group_id,
            GENESIS,
        )
        for actor in (owner, *members):
            await self.join(group_id, actor, "owner" if actor is owner else "member")
        return group_id

    async def join(self, group_id: UUID, actor: Actor, role: str = "member") -> None:
        await self.run(
            "INSERT INTO group_members (group_id, user_id, role, joined_seq) VALUES (%s, %s, %s,"
            " (SELECT seq FROM conversations WHERE id = %s) + 1)",
            group_id,
            actor.user_id,
            role,
            group_id,
        )

    async def direct(self, one: Actor, other: Actor) -> UUID:
        conversation_id = uuid4()
        low, high = sorted((one.user_id, other.user_id))
        await self.run(
            "INSERT INTO conversations (id, low_id, high_id, chain) VALUES (%s, %s, %s, %s)",
            conversation_id,
            low,
            high,
            GENESIS,
        )
        return conversation_id

    async def file(self, group_id: UUID, uploader: Actor, *, uploaded: bool = True) -> UUID:
        file_id = uuid4()
        await self.run(
            "INSERT INTO files (id, conversation_id, uploader_id, filename, mime_type, size_bytes,"
            " storage_path, encryption_header, uploaded_at)"
            " VALUES (%s, %s, %s, 'n', 'm', 1, %s, '', CASE WHEN %s THEN now() END)",
            file_id,
            group_id,
            uploader.user_id,
            file_id.hex,
            uploaded,
        )
        return file_id


def message(
    actor: Actor,
    conversation_id: UUID,
    *,
    epoch: int = 0,
    target: bytes = NO_TARGET,
    client_id: UUID | None = None,
    size: int = 300,
    file_ids: tuple[UUID, ...] = (),
) -> SendMessage:
    """A message with `size` bytes of ciphertext that nobody can open."""
    header = Header(
        conversation_id, epoch, actor.device_id, client_id or uuid4(), EntryKind.MESSAGE, target
    )
    entry = header.encode() + secrets.token_bytes(NONCE_BYTES + size)
    return SendMessage(conversation_id=conversation_id, entry=entry, file_ids=list(file_ids))
