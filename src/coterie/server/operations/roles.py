"""Roles, given and taken, and the group itself handed over."""

from uuid import UUID

from coterie.governance.changes import Change, RoleChanged
from coterie.protocol.commands import Act, Ordered, SetRole, TransferOwnership
from coterie.protocol.errors import Forbidden, NotFound, Refused
from coterie.protocol.roles import Action, Rank, outranks
from coterie.server.operations import access, epochs
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import require_match
from coterie.server.storage import accounts, audit
from coterie.server.storage.database import Tx
from coterie.server.storage.views import Standing


async def set_role(tx: Tx, actor: Actor, command: SetRole) -> Ordered:
    async def allow() -> Standing:
        standing = await access.require_over(
            tx, actor, command.group_id, command.user_id, Action.SET_ROLE
        )
        if not outranks(standing.role, command.role):
            raise Refused(Forbidden(Action.SET_ROLE))
        return standing

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    key = await _identity_key(tx, command.user_id)
    wanted = [RoleChanged(key, step.state.rank_of(key), command.role.rank, entailed=False)]
    require_match(step.made == wanted, "it gives another role, to somebody else, or none")
    ordered = await epochs.order(tx, actor, step)
    await audit.add_act(
        tx,
        command.group_id,
        actor.user_id,
        Act.SET_ROLE,
        target_id=command.user_id,
        detail=command.role.value,
        reason=command.reason,
    )
    return ordered


async def transfer_ownership(tx: Tx, actor: Actor, command: TransferOwnership) -> Ordered:
    async def allow() -> Standing:
        return await access.require_over(
            tx, actor, command.group_id, command.user_id, Action.TRANSFER
        )

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    key = await _identity_key(tx, command.user_id)
    wanted: list[Change] = [
        RoleChanged(step.identity_key, Rank.OWNER, Rank.ADMIN, entailed=False),
        RoleChanged(key, step.state.rank_of(key), Rank.OWNER, entailed=False),
    ]
    require_match(
        len(step.made) == len(wanted) and all(change in wanted for change in step.made),
        "it hands the group to somebody else, or to nobody",
    )
    ordered = await epochs.order(tx, actor, step)
    await audit.add_act(
        tx, command.group_id, actor.user_id, Act.TRANSFER, target_id=command.user_id
    )
    return ordered


async def _identity_key(tx: Tx, user_id: UUID) -> bytes:
    person = await accounts.get_person(tx, user_id)
    if person is None:
        raise Refused(NotFound("member"))
    return person.identity_key
