"""One's conversations: groups and direct ones alike."""

from uuid import UUID

from coterie.protocol.commands import (
    Conversation,
    Conversations,
    GetConversation,
    ListConversations,
    User,
)
from coterie.protocol.errors import NotFound, Refused
from coterie.server.operations.access import Actor
from coterie.server.operations.accounts import user_of
from coterie.server.storage import accounts, conversations
from coterie.server.storage.database import Tx
from coterie.server.storage.views import ConversationSummary


async def list_conversations(tx: Tx, actor: Actor, command: ListConversations) -> Conversations:
    found = await conversations.list_conversations(
        tx, actor.user_id, command.after, command.limit + 1
    )
    page = found[: command.limit]
    return Conversations(conversations=await _with_peers(tx, page), more=len(found) > len(page))


async def get_conversation(tx: Tx, actor: Actor, command: GetConversation) -> Conversation:
    return await conversation_of(tx, actor, command.conversation_id)


async def conversation_of(tx: Tx, actor: Actor, conversation_id: UUID) -> Conversation:
    found = await conversations.get_summary(tx, actor.user_id, conversation_id)
    if found is None:
        raise Refused(NotFound("conversation"))
    (conversation,) = await _with_peers(tx, [found])
    return conversation


async def _with_peers(tx: Tx, page: list[ConversationSummary]) -> list[Conversation]:
    peer_ids = [summary.peer_id for summary in page if summary.peer_id is not None]
    people = await accounts.list_people(tx, peer_ids) if peer_ids else []
    peers = {person.id: user_of(person) for person in people}
    return [_conversation(summary, peers) for summary in page]


def _conversation(summary: ConversationSummary, peers: dict[UUID, User]) -> Conversation:
    return Conversation(
        conversation_id=summary.conversation_id,
        group_id=summary.group_id,
        peer=None if summary.peer_id is None else peers.get(summary.peer_id),
        epoch=summary.epoch,
        seq=summary.seq,
        joined_seq=summary.joined_seq,
        read_seq=summary.read_seq,
        removal_pending=summary.removal_pending,
    )
