"""What the MLS delivery service serves: anchors, commits, GroupInfos, Welcomes."""

from uuid import UUID

from coterie.protocol import limits
from coterie.protocol.commands import (
    Anchor,
    Commits,
    Done,
    GetAnchor,
    GetGroupInfo,
    GroupInfos,
    ListCommits,
    ListWelcomes,
    PendingWelcome,
    PublishGroupInfo,
    RemoveWelcome,
    Welcomes,
)
from coterie.protocol.errors import EpochStale, LimitReached, NotFound, Refused
from coterie.protocol.roles import Action
from coterie.server.operations import access, states
from coterie.server.operations.access import Actor
from coterie.server.storage import entries, epochs, tables
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Conversation


async def get_anchor(tx: Tx, actor: Actor, command: GetAnchor) -> Anchor:
    await access.require(tx, actor, command.conversation_id, Action.READ)
    return await anchor_at(tx, command.conversation_id, command.epoch)


async def anchor_at(tx: Tx, conversation_id: UUID, epoch: int) -> Anchor:
    found = await epochs.get_anchor(tx, conversation_id, epoch)
    if found is None:
        raise Refused(NotFound("anchor"))
    return Anchor(
        group_context=found.group_context,
        ratchet_tree=found.ratchet_tree,
        confirmation_tag=found.confirmation_tag,
    )


async def list_commits(tx: Tx, actor: Actor, command: ListCommits) -> Commits:
    standing = await access.require(tx, actor, command.conversation_id, Action.READ)
    return await commits_from(tx, standing, command.epoch)


async def commits_from(tx: Tx, conversation: Conversation, epoch: int) -> Commits:
    commits = await entries.list_commits(
        tx,
        conversation.id,
        after_epoch=epoch,
        limit=limits.PAGE_ENTRIES,
        byte_limit=limits.PAGE_BYTES,
    )
    return Commits(commits=commits, more=epoch + len(commits) < conversation.epoch)


async def get_group_info(tx: Tx, actor: Actor, command: GetGroupInfo) -> GroupInfos:
    await access.require(tx, actor, command.conversation_id, Action.READ)
    return await group_infos_of(tx, command.conversation_id)


async def group_infos_of(tx: Tx, conversation_id: UUID) -> GroupInfos:
    entrance = await epochs.get_entrance(tx, conversation_id)
    if entrance is None:
        raise Refused(NotFound("conversation"))
    group = await states.decode(entrance.state)
    return GroupInfos(
        epoch=entrance.epoch,
        seq=entrance.seq,
        group_infos=entrance.group_infos,
        ratchet_tree=group.tree.encode(),
    )


async def publish_group_info(tx: Tx, actor: Actor, command: PublishGroupInfo) -> Done:
    standing = await access.require_locked(tx, actor, command.conversation_id, Action.READ)
    if command.epoch != standing.epoch:
        raise Refused(EpochStale(standing.epoch))
    group = await states.current(tx, standing.id)
    states.check_group_info(group, command.group_info, actor.device_id)
    await _require_room(tx, actor, standing.id)
    await epochs.set_group_info(
        tx, standing.id, actor.device_id, standing.epoch, command.group_info
    )
    return Done()


async def _require_room(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    others = await epochs.count_group_infos(tx, conversation_id, actor.device_id)
    if others >= limits.GROUP_INFOS_PER_EPOCH:
        raise Refused(LimitReached("GroupInfos of one epoch", limits.GROUP_INFOS_PER_EPOCH))


async def list_welcomes(tx: Tx, actor: Actor, command: ListWelcomes) -> Welcomes:
    """As many as fit a page: a device removes those it has used, and asks again."""
    found = await epochs.list_welcomes(tx, actor.device_id, limits.PAGE_BYTES)
    return Welcomes(welcomes=[_pending(welcome) for welcome in found])


def _pending(welcome: tables.Welcome) -> PendingWelcome:
    return PendingWelcome(
        conversation_id=welcome.conversation_id,
        epoch=welcome.epoch,
        seq=welcome.seq,
        chain_before=welcome.chain_before,
        welcome=welcome.welcome,
        ratchet_tree=welcome.ratchet_tree,
    )


async def remove_welcome(tx: Tx, actor: Actor, command: RemoveWelcome) -> Done:
    await epochs.remove_welcome(tx, actor.device_id, command.conversation_id)
    return Done()
