"""Invite links: made, looked at, used exactly as often as they allow, revoked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from coterie.governance.changes import (
    Change,
    DeviceAdded,
    DeviceResynced,
    InviteClosed,
    InviteOpened,
    PersonJoined,
)
from coterie.protocol import limits
from coterie.protocol.commands import (
    Act,
    Commits,
    CreateInvite,
    GetInvite,
    Invite,
    InviteDetails,
    Invites,
    JoinGroup,
    ListInviteCommits,
    ListInvites,
    Ordered,
    RevokeInvite,
)
from coterie.protocol.errors import (
    AlreadyMember,
    Forbidden,
    InviteSpent,
    LimitReached,
    Malformed,
    NotFound,
    Refused,
    Taken,
)
from coterie.protocol.roles import Action, may
from coterie.server.operations import access, changes, delivery, epochs, states
from coterie.server.operations.access import Actor
from coterie.server.operations.epochs import Step, require_match
from coterie.server.storage import audit, bans, conversations, groups, invites, members
from coterie.server.storage.database import Tx
from coterie.server.storage.tables import Conversation
from coterie.server.storage.views import InviteView, Standing


async def create_invite(tx: Tx, actor: Actor, command: CreateInvite) -> Ordered:
    async def allow() -> Standing:
        return await access.require_in_group(tx, actor, command.group_id, Action.INVITE)

    _require_lifetime(command)
    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    opened = InviteOpened(command.invite_key, step.identity_key, _milliseconds(command.expires_at))
    ended = await _ended_keys(tx, command.group_id)
    require_match(
        opened in step.made and all(_goes_with(change, opened, ended) for change in step.made),
        "it opens another link, or none",
    )
    ordered = await epochs.order(tx, actor, step)
    await _write_invite(tx, actor, command, ordered.epoch)
    await states.keep_anchor(tx, step.verdict.after)
    await audit.add_act(tx, command.group_id, actor.user_id, Act.CREATE_INVITE, detail=command.code)
    return ordered


def _require_lifetime(command: CreateInvite) -> None:
    if command.expires_at is None:
        return
    if command.expires_at.tzinfo is None:
        raise Refused(Malformed("expires_at lacks its time zone"))
    shortest, longest = limits.INVITE_SECONDS
    left = command.expires_at - datetime.now(UTC)
    if not timedelta(0) < left <= timedelta(seconds=longest):
        raise Refused(Malformed(f"a link lasts from {shortest} to {longest} seconds"))


def _milliseconds(moment: datetime | None) -> int:
    """As the signed state writes times; 0 for none."""
    if moment is None:
        return 0
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


async def _ended_keys(tx: Tx, group_id: UUID) -> set[bytes]:
    """Of links that have expired or are used up: who makes a new one may sweep them out."""
    found = await invites.list_invites(tx, group_id, None, None, limits.INVITES_PER_GROUP)
    return {invite.invite_key for invite in found if invite.ended}


def _goes_with(change: Change, opened: InviteOpened, ended: set[bytes]) -> bool:
    return change == opened or (isinstance(change, InviteClosed) and change.key in ended)


async def _write_invite(tx: Tx, actor: Actor, command: CreateInvite, epoch: int) -> None:
    added = await invites.add_invite(
        tx,
        group_id=command.group_id,
        code=command.code,
        created_by=actor.user_id,
        expires_at=command.expires_at,
        max_uses=command.max_uses,
        invite_key=command.invite_key,
        anchor_epoch=epoch,
        anchor_ciphertext=command.sealed_anchor,
    )
    if not added:
        raise Refused(Taken("code"))


async def list_invites(tx: Tx, actor: Actor, command: ListInvites) -> Invites:
    """All of them for moderators and above, one's own for members."""
    standing = await access.require_in_group(tx, actor, command.group_id, Action.READ)
    creator = None if may(standing.role, Action.LIST_INVITES) else actor.user_id
    found = await invites.list_invites(
        tx, command.group_id, creator, command.after, command.limit + 1
    )
    page = found[: command.limit]
    return Invites(invites=[_invite(view) for view in page], more=len(found) > len(page))


def _invite(view: InviteView) -> Invite:
    return Invite(
        invite_id=view.invite_id,
        code=view.code,
        invite_key=view.invite_key,
        created_by=view.created_by,
        expires_at=view.expires_at,
        max_uses=view.max_uses,
        uses=view.uses,
        ended=view.ended,
        created_at=view.created_at,
    )


async def revoke_invite(tx: Tx, actor: Actor, command: RevokeInvite) -> Ordered:
    async def allow() -> Standing:
        return await _require_revoke(tx, actor, command)

    step = await epochs.begin(tx, actor, command.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    invite = await _require_invite(tx, command)
    closed = [change.key for change in step.made if isinstance(change, InviteClosed)]
    require_match(
        closed == [invite.invite_key] and len(step.made) == 1, "it closes another link, or none"
    )
    ordered = await epochs.order(tx, actor, step)
    await audit.add_act(
        tx,
        command.group_id,
        actor.user_id,
        Act.REVOKE_INVITE,
        target_id=invite.created_by,
        detail=command.code,
    )
    return ordered


async def _require_revoke(tx: Tx, actor: Actor, command: RevokeInvite) -> Standing:
    standing = await access.require_in_group(tx, actor, command.group_id, Action.READ)
    invite = await invites.get_invite(tx, command.code)
    own = invite is not None and invite.created_by == actor.user_id
    if not own and not may(standing.role, Action.REVOKE_INVITE):
        raise Refused(Forbidden(Action.REVOKE_INVITE))
    await _require_invite(tx, command)
    return standing


async def _require_invite(tx: Tx, command: RevokeInvite) -> InviteView:
    invite = await invites.get_invite(tx, command.code)
    if invite is None or invite.group_id != command.group_id:
        raise Refused(NotFound("invite"))
    return invite


# --- with a code, from outside


async def get_invite(tx: Tx, actor: Actor, command: GetInvite) -> InviteDetails:
    tx.spend((GetInvite, actor.user_id), limits.INVITE_LOOKUPS_PER_ACCOUNT)
    invite = await _require_live(tx, actor, command.code)
    group = await groups.get_group(tx, invite.group_id)
    if group is None:
        raise Refused(NotFound("invite"))
    return InviteDetails(
        group_id=invite.group_id,
        name=group.name,
        sealed_anchor=invite.anchor_ciphertext,
        anchor=await delivery.anchor_at(tx, invite.group_id, invite.anchor_epoch),
        anchor_epoch=invite.anchor_epoch,
        group_infos=await delivery.group_infos_of(tx, invite.group_id),
    )


async def list_invite_commits(tx: Tx, actor: Actor, command: ListInviteCommits) -> Commits:
    invite = await _require_live(tx, actor, command.code)
    if command.epoch < invite.anchor_epoch:
        raise Refused(NotFound("commit"))
    return await delivery.commits_from(tx, await _conversation(tx, invite), command.epoch)


async def _require_known(tx: Tx, actor: Actor, code: str) -> InviteView:
    """To somebody who is banned, a link does not exist."""
    invite = await invites.get_invite(tx, code)
    if invite is None or await bans.has_ban(tx, invite.group_id, actor.user_id):
        raise Refused(NotFound("invite"))
    return invite


async def _require_live(tx: Tx, actor: Actor, code: str) -> InviteView:
    """A member is shown a link that has ended, too: it leads where they are already."""
    invite = await _require_known(tx, actor, code)
    if invite.ended and await members.get_member(tx, invite.group_id, actor.user_id) is None:
        raise Refused(InviteSpent())
    return invite


async def _conversation(tx: Tx, invite: InviteView) -> Conversation:
    conversation = await conversations.get_conversation(tx, invite.group_id)
    if conversation is None:
        raise Refused(NotFound("invite"))
    return conversation


async def join_group(tx: Tx, actor: Actor, command: JoinGroup) -> Ordered:
    """Enter by external commit; one who left and still has keys comes back with them."""

    async def allow() -> Conversation:
        return await _require_entrance(tx, actor, command.code)

    invite = await _require_known(tx, actor, command.code)
    step = await epochs.begin(tx, actor, invite.group_id, command.commit, allow)
    if isinstance(step, Ordered):
        return step
    require_match(_is_entry(step, actor, invite), "it enters by another way")
    ordered = await epochs.order(tx, actor, step)
    if await members.get_member(tx, invite.group_id, actor.user_id) is None:
        await changes.enter(tx, invite.group_id, actor.user_id, joined_seq=ordered.seq)
    if not await invites.use_invite(tx, command.code):
        raise Refused(InviteSpent())
    return ordered


async def _require_entrance(tx: Tx, actor: Actor, code: str) -> Conversation:
    invite = await _require_known(tx, actor, code)
    if await members.get_member(tx, invite.group_id, actor.user_id) is not None:
        raise Refused(AlreadyMember())
    if invite.ended:
        raise Refused(InviteSpent())
    if await members.count_memberships(tx, actor.user_id) >= limits.GROUPS_PER_ACCOUNT:
        raise Refused(LimitReached("groups", limits.GROUPS_PER_ACCOUNT))
    return await _conversation(tx, invite)


def _is_entry(step: Step, actor: Actor, invite: InviteView) -> bool:
    match step.made:
        case [PersonJoined(user_id=user_id, invite_key=key)]:
            return user_id == actor.user_id and key == invite.invite_key
        case [DeviceResynced(user_id=user_id) | DeviceAdded(user_id=user_id)]:
            return user_id == actor.user_id
        case _:
            return False
