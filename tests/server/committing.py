"""What tests of the committer say and ask."""

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import pytest

from coterie.protocol.commands import Accepted, SendMessage
from coterie.protocol.errors import Refusal, Refused
from coterie.server.operations.access import Actor
from coterie.server.realtime.committer import Committer
from tests.server.population import Population


async def refusal(sending: Awaitable[Accepted]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await sending
    return caught.value.refusal


async def outcomes(committer: Committer, *sent: tuple[Actor, SendMessage]) -> list[Any]:
    """Send all at once; each with its acceptance or its refusal."""
    answers = await asyncio.gather(
        *(committer.send(actor, command) for actor, command in sent), return_exceptions=True
    )
    return [answer.refusal if isinstance(answer, Refused) else answer for answer in answers]


async def log_of(population: Population, conversation_id: UUID) -> list[tuple[Any, ...]]:
    return await population.run(
        "SELECT seq, id, entry_hash, chain FROM messages WHERE conversation_id = %s ORDER BY seq",
        conversation_id,
    )
