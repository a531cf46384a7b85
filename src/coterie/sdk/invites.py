"""Invite links: made, listed, revoked. Their secrets are kept nowhere."""

from datetime import datetime, timedelta
from secrets import token_bytes
from uuid import UUID

from coterie.governance.anchors import SealedAnchor, anchor_hash
from coterie.governance.makers import with_invite, without_invites
from coterie.mls import PendingCommit
from coterie.protocol import commands
from coterie.protocol.commands import CreateInvite, Invites, ListInvites, RevokeInvite
from coterie.protocol.errors import Forbidden, Refused
from coterie.protocol.links import SECRET_BYTES, InviteLink, new_code
from coterie.protocol.roles import Action
from coterie.sdk.catching_up import catch_up
from coterie.sdk.clock import milliseconds, now
from coterie.sdk.commits import Proposed, change, commit
from coterie.sdk.conversations import find_group
from coterie.sdk.errors import NotFoundHere
from coterie.sdk.link_keys import LinkKeys
from coterie.sdk.log import Log
from coterie.sdk.paging import list_all
from coterie.sdk.pending import on_the_wire
from coterie.sdk.pins import names_of
from coterie.sdk.profile import Profile
from coterie.sdk.vault.epochs import list_seats
from coterie.sdk.vault.invites import get_invite_key, put_invite_key
from coterie.sdk.views import CreatedInvite, Invite


async def create_invite(
    profile: Profile, ref: str, expires_in: timedelta | None, max_uses: int | None
) -> CreatedInvite:
    """A link into a group. Entries of links that have ended are dropped on this occasion."""
    group_id = (await find_group(profile, ref)).conversation_id
    link = InviteLink(profile.connection.server, new_code(), token_bytes(SECRET_BYTES))
    keys = LinkKeys(link.secret)
    expires_at = None if expires_in is None else _rounded(now() + expires_in)
    creator = profile.account.identity_key
    ended = [one.invite_key for one in await list_open(profile, group_id) if one.ended]

    def build(log: Log) -> Proposed | None:
        end = 0 if expires_at is None else milliseconds(expires_at)
        open_links = without_invites(log.state, ended)
        pending = change(log, with_invite(open_links, keys.invite_key, creator, end))
        put_invite_key(log.tx, link.code, keys.invite_key)
        if pending is None:  # a link of somebody who may make none does not outlive its commit
            raise Refused(Forbidden(Action.INVITE))
        command = CreateInvite(
            group_id=group_id,
            code=link.code,
            invite_key=keys.invite_key,
            sealed_anchor=keys.seal_anchor(group_id, _anchor(log, pending, creator).encode()),
            expires_at=expires_at,
            max_uses=max_uses,
            commit=on_the_wire(pending),
        )
        return Proposed(command, pending)

    await commit(profile, group_id, build)
    return CreatedInvite(code=link.code, link=link, expires_at=expires_at, max_uses=max_uses)


async def list_invites(profile: Profile, ref: str) -> list[Invite]:
    group_id = (await find_group(profile, ref)).conversation_id
    listed = await list_open(profile, group_id)
    names = await names_of(profile, group_id, (one.created_by for one in listed))
    return [
        Invite(
            code=one.code,
            created_by=names[one.created_by],
            expires_at=one.expires_at,
            max_uses=one.max_uses,
            uses=one.uses,
            ended=one.ended,
            created_at=one.created_at,
        )
        for one in listed
    ]


async def revoke_invite(profile: Profile, ref: str, code: str) -> None:
    """The link opens nothing any more: its key leaves the signed state."""
    group_id = (await find_group(profile, ref)).conversation_id
    found = [one for one in await list_open(profile, group_id) if one.code == code]
    if not found:
        raise NotFoundHere("There is no such invite in this group.")

    def build(log: Log) -> Proposed | None:
        pending = change(log, without_invites(log.state, [found[0].invite_key]))
        if pending is None:
            return None
        command = RevokeInvite(group_id=group_id, code=code, commit=on_the_wire(pending))
        return Proposed(command, pending)

    await commit(profile, group_id, build)


async def list_open(profile: Profile, group_id: UUID) -> list[commands.Invite]:
    """The links whose entry stands in the signed state, as far as this person may see them.

    What the server tells of a link otherwise than the state, and for a link of its own this device,
    is left out with a warning: nobody closes or keeps one link when they mean another.
    """
    told = await list_all(
        profile.connection,
        lambda after: ListInvites(group_id=group_id, after=after),
        Invites,
        lambda page: page.invites,
        lambda one: one.invite_id,
    )
    await catch_up(profile, group_id)
    found = await profile.vault.read(
        lambda tx: _of_the_state(Log.load(tx, profile.account, group_id), told)
    )
    for one in told:
        if one not in found:
            profile.warn(f"The server says of the link {one.code} what the group does not.")
    return found


def _of_the_state(log: Log, told: list[commands.Invite]) -> list[commands.Invite]:
    makers = {seat.user_id: seat.identity_key for seat in list_seats(log.tx, log.conversation_id)}
    entries = {(entry.key, entry.creator, entry.expires_at) for entry in log.state.invites}

    def is_true(one: commands.Invite) -> bool:
        end = 0 if one.expires_at is None else milliseconds(one.expires_at)
        own = get_invite_key(log.tx, one.code)
        entry = (one.invite_key, makers.get(one.created_by), end)
        return entry in entries and own in (None, one.invite_key)

    return [one for one in told if is_true(one)]


def _rounded(moment: datetime) -> datetime:
    """The signed state counts in milliseconds, and the command has to say the same."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _anchor(log: Log, pending: PendingCommit, creator: bytes) -> SealedAnchor:
    """The epoch that the link's own commit makes: from there a joiner verifies the chain."""
    after = pending.group.public
    assert log.state.owner is not None, "a group has an owner"  # noqa: S101
    return SealedAnchor(
        genesis=log.state.genesis,
        epoch=after.epoch,
        context_hash=anchor_hash(after.context),
        creator=creator,
        owner=log.state.owner,
    )
