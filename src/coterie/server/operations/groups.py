"""The life of a group as a whole: made, looked at, changed, deleted."""

from typing import Final
from uuid import UUID

from coterie.governance.changes import Change, GroupRenamed, PolicyChanged
from coterie.protocol import limits
from coterie.protocol.commands import (
    Act,
    Commit,
    CreateGroup,
    DeleteGroup,
    Done,
    GetGroup,
    Group,
    Ordered,
    UpdateGroup,
)
from coterie.protocol.errors import LimitReached, Malformed, NotFound, Refused, Taken
from coterie.protocol.roles import Action, Role
from coterie.server.operations import access, epochs, states
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import Step, require_match
from coterie.server.operations.states import Beginning
from coterie.server.storage import audit, conversations, files, groups, members
from coterie.server.storage.database import Tx
from coterie.server.storage.epochs import get_anchor, set_group_info
from coterie.server.storage.outbox import BlobsDropped, Entered, GroupTouched, Left
from coterie.server.storage.tables import Conversation
from coterie.server.storage.views import Standing

SETTINGS: Final = ("name", "description", "history", "inviters", "slow_mode_seconds")
"""What UpdateGroup may change, by field."""


async def create_group(tx: Tx, actor: Actor, command: CreateGroup, beginning: Beginning) -> Ordered:
    await states.require_own(tx, actor, command.group_id, beginning)
    states.check_group_info(beginning.group, command.group_info, actor.device_id)
    require_match(
        beginning.state.direct is None and beginning.state.name == command.name,
        "the signed state bears another name",
    )
    if await groups.add_group(
        tx, command.group_id, command.name, command.description, actor.user_id
    ):
        await _write_beginning(tx, actor, command, beginning)
    elif not await _is_made_already(tx, actor, command):
        raise Refused(Taken("group_id"))
    return _begun(command.group_id, beginning)


def _begun(group_id: UUID, beginning: Beginning) -> Ordered:
    """Epoch 0 stands before the log's first entry."""
    return Ordered(conversation_id=group_id, seq=0, epoch=0, chain_before=beginning.chain)


async def _is_made_already(tx: Tx, actor: Actor, command: CreateGroup) -> bool:
    """Whether this is the same request again."""
    member = await members.get_member(tx, command.group_id, actor.user_id)
    anchor = await get_anchor(tx, command.group_id, 0)
    return (
        member is not None
        and anchor is not None
        and anchor.group_context == command.anchor.group_context
    )


async def _write_beginning(
    tx: Tx, actor: Actor, command: CreateGroup, beginning: Beginning
) -> None:
    group_id = command.group_id
    if await members.count_memberships(tx, actor.user_id) >= limits.GROUPS_PER_ACCOUNT:
        raise Refused(LimitReached("groups", limits.GROUPS_PER_ACCOUNT))
    await conversations.add_group_conversation(tx, group_id, beginning.chain)
    await members.add_member(tx, group_id, actor.user_id, role=Role.OWNER, joined_seq=1)
    await states.keep(tx, beginning.group)
    await states.keep_anchor(tx, beginning.group)
    await set_group_info(tx, group_id, actor.device_id, 0, command.group_info)
    tx.announce(Entered(group_id, (actor.user_id,)))


async def get_group(tx: Tx, actor: Actor, command: GetGroup) -> Group:
    standing = await access.require_in_group(tx, actor, command.group_id, Action.READ)
    summary = await groups.get_group_summary(tx, command.group_id)
    if summary is None:
        raise Refused(NotFound("group"))
    return Group(
        group_id=summary.group_id,
        name=summary.name,
        description=summary.description,
        owner_id=summary.owner_id,
        role=standing.role,
        members=summary.members,
        epoch=standing.epoch,
        history=summary.history,
        inviters=summary.inviters,
        slow_mode_seconds=standing.slow_mode_seconds,
        created_at=summary.created_at,
    )


async def update_group(tx: Tx, actor: Actor, command: UpdateGroup) -> Done:
    if command.commit is None:
        await _update_beside_state(tx, actor, command)
    else:
        await _update_state(tx, actor, command, command.commit)
    return Done()


async def _update_beside_state(tx: Tx, actor: Actor, command: UpdateGroup) -> None:
    if (command.name, command.history, command.inviters) != (None, None, None):
        raise Refused(Malformed("name, history and inviters need the commit that changes them"))
    standing = await access.require_in_group_locked(
        tx, actor, command.group_id, Action.UPDATE_GROUP
    )
    await _write_beside_state(tx, actor, standing, command)


async def _update_state(tx: Tx, actor: Actor, command: UpdateGroup, commit: Commit) -> None:
    async def allow() -> Standing:
        return await _require_update(tx, actor, command)

    step = await epochs.begin(tx, actor, command.group_id, commit, allow)
    if isinstance(step, Ordered):
        return
    wanted = _wanted(step, command)
    require_match(bool(wanted) and step.made == wanted, "it changes other settings, or none")
    await epochs.order(tx, actor, step)
    state = step.verdict.state
    await groups.set_state(
        tx, command.group_id, name=state.name, history=state.history, inviters=state.inviters
    )
    await _write_beside_state(tx, actor, step.conversation, command)


async def _require_update(tx: Tx, actor: Actor, command: UpdateGroup) -> Standing:
    if command.history is not None or command.inviters is not None:
        await access.require_in_group(tx, actor, command.group_id, Action.SET_POLICY)
    return await access.require_in_group(tx, actor, command.group_id, Action.UPDATE_GROUP)


def _wanted(step: Step, command: UpdateGroup) -> list[Change]:
    """The changes that lead from the state before to what the command says."""
    before = step.state
    name = before.name if command.name is None else command.name
    history = before.history if command.history is None else command.history
    inviters = before.inviters if command.inviters is None else command.inviters
    renamed = [GroupRenamed(name)] if name != before.name else []
    settled = [PolicyChanged(history, inviters)]
    same_policy = (history, inviters) == (before.history, before.inviters)
    return [*renamed, *([] if same_policy else settled)]


async def _write_beside_state(
    tx: Tx, actor: Actor, conversation: Conversation, command: UpdateGroup
) -> None:
    """What the signed state does not hold; and what was changed, in all."""
    if command.description is not None:
        await groups.set_description(tx, command.group_id, command.description)
    if command.slow_mode_seconds is not None:
        await conversations.set_slow_mode(tx, conversation.id, command.slow_mode_seconds)
    changed = ", ".join(name for name in SETTINGS if getattr(command, name) is not None)
    if changed:
        await audit.add_act(tx, command.group_id, actor.user_id, Act.UPDATE_GROUP, detail=changed)
    tx.announce(GroupTouched(conversation.id))


async def delete_group(tx: Tx, actor: Actor, command: DeleteGroup) -> Done:
    await access.require_in_group_locked(tx, actor, command.group_id, Action.DELETE_GROUP)
    group = await groups.get_group(tx, command.group_id)
    if group is None or group.name != command.name:
        raise Refused(Malformed("the name is not that of the group"))
    await remove_group(tx, command.group_id)
    return Done()


async def remove_group(tx: Tx, group_id: UUID) -> None:
    """The conversation is locked. The bytes of its files go after COMMIT."""
    participants = await conversations.list_participants(tx, group_id)
    paths = await files.remove_group_files(tx, group_id)
    await groups.remove_group(tx, group_id)
    tx.announce(Left(group_id, tuple(participants)))
    tx.announce(BlobsDropped(tuple(paths)))
