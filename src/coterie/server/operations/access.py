"""Authorisation: the first line of every operation asks here."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from coterie.protocol.errors import Forbidden, NotFound, Refused
from coterie.protocol.roles import DIRECT, Action, may, outranks
from coterie.server.storage import conversations, members
from coterie.server.storage.database import Tx
from coterie.server.storage.views import Standing


class Actor(msgspec.Struct, frozen=True):
    """Who is asking, as the transport authenticated them."""

    user_id: UUID
    device_id: UUID
    token_hash: bytes

    def __repr__(self) -> str:
        return f"Actor(user_id={self.user_id}, device_id={self.device_id})"


async def require(tx: Tx, actor: Actor, conversation_id: UUID, action: Action) -> Standing:
    """Where the actor stands in a conversation that lets them do this.

    A stranger, somebody banned and somebody who left are told it is not found.
    """
    standing = await conversations.get_standing(tx, conversation_id, actor.user_id)
    if standing is None:
        raise Refused(NotFound("conversation"))
    if not _may(standing, action):
        raise Refused(Forbidden(action))
    return standing


async def require_each(
    tx: Tx, actor: Actor, conversation_ids: Collection[UUID], action: Action
) -> list[Standing]:
    """As `require`, of those that let them: of the rest nothing is said."""
    standings = await conversations.list_standings(tx, conversation_ids, actor.user_id)
    return [standing for standing in standings if _may(standing, action)]


def _may(standing: Standing, action: Action) -> bool:
    if standing.group_id is None:
        return action in DIRECT
    return may(standing.role, action, standing.inviters)


async def require_locked(tx: Tx, actor: Actor, conversation_id: UUID, action: Action) -> Standing:
    """As `require`; what it says holds until the transaction ends. For all that writes."""
    await require(tx, actor, conversation_id, action)  # a stranger waits for no lock, holds none
    await conversations.lock_conversation(tx, conversation_id)
    return await require(tx, actor, conversation_id, action)


async def require_in_group(tx: Tx, actor: Actor, group_id: UUID, action: Action) -> Standing:
    """As `require`, in a group: a direct conversation is none."""
    standing = await conversations.get_standing(tx, group_id, actor.user_id)
    if standing is None or standing.group_id is None:
        raise Refused(NotFound("group"))
    if not may(standing.role, action, standing.inviters):
        raise Refused(Forbidden(action))
    return standing


async def require_in_group_locked(tx: Tx, actor: Actor, group_id: UUID, action: Action) -> Standing:
    """As `require_in_group`; what it says holds until the transaction ends."""
    await require_in_group(tx, actor, group_id, action)
    await conversations.lock_conversation(tx, group_id)
    return await require_in_group(tx, actor, group_id, action)


async def require_over(
    tx: Tx, actor: Actor, group_id: UUID, user_id: UUID, action: Action
) -> Standing:
    """As `require_in_group`, upon another member, who has to rank below the actor."""
    standing = await require_in_group(tx, actor, group_id, action)
    target = await members.get_member(tx, group_id, user_id)
    if target is None:
        raise Refused(NotFound("member"))
    if not outranks(standing.role, target.role):
        raise Refused(Forbidden(action))
    return standing
