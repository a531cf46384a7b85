"""What an operator may do about accounts: see them, lock them, give a new password, let people in.

None of it touches keys, groups or messages: those are not the operator's.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from coterie.protocol import limits
from coterie.server.administration.reach import opened
from coterie.server.administration.refusals import Impossible
from coterie.server.operations.passwords import Passwords
from coterie.server.operations.sessions import token_hash
from coterie.server.storage import accounts, devices, registration_invites, usage
from coterie.server.storage.database import Tx
from coterie.server.storage.keys import CODE_BYTES
from coterie.server.storage.notices import tell_ended
from coterie.server.storage.tables import RegistrationInvite, User
from coterie.server.storage.views import AccountSummary


class Accounts(msgspec.Struct, frozen=True):
    """`more`: there are others after the last one."""

    accounts: list[AccountSummary]
    more: bool


class Invite(msgspec.Struct, frozen=True):
    """An invitation to make accounts."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None
    max_uses: int
    uses: int
    ended: bool


class Invites(msgspec.Struct, frozen=True):
    """`more`: there are others after the last one."""

    invites: list[Invite]
    more: bool


class MadeInvite(msgspec.Struct, frozen=True):
    """The only time that `code` is seen."""

    id: UUID
    code: str

    def __repr__(self) -> str:
        return f"MadeInvite(id={self.id}, …)"


async def list_accounts(data: Path, database: str | None, after: str, limit: int) -> Accounts:
    """A page, by name. Raises Impossible."""
    async with opened(data, database) as tx:
        found = await usage.list_accounts(tx, after, limit + 1)
    return Accounts(found[:limit], len(found) > limit)


async def set_locked(data: Path, database: str | None, username: str, *, locked: bool) -> None:
    """Nobody logs in to a locked account, and its sessions have ended. Raises Impossible."""
    async with opened(data, database) as tx:
        user = await _account(tx, username)
        await accounts.set_locked(tx, user.id, locked=locked)
        if locked:
            await tell_ended(tx, await devices.remove_sessions(tx, user.id))


async def reset_login(data: Path, database: str | None, username: str, password: str) -> None:
    """Replace a password; whoever was logged in is not any more. Raises Impossible."""
    shortest, longest = limits.PASSWORD_LENGTH
    if not shortest <= len(password) <= longest:
        raise Impossible("malformed", f"A password has from {shortest} to {longest} characters.")
    password_hash = await Passwords().hash(password)
    async with opened(data, database) as tx:
        user = await _account(tx, username)
        await accounts.set_password_hash(tx, user.id, password_hash)
        await tell_ended(tx, await devices.remove_sessions(tx, user.id))


async def create_invite(
    data: Path, database: str | None, expires_in: timedelta | None, max_uses: int
) -> MadeInvite:
    """Let so many people make an account where that takes an invitation. Raises Impossible."""
    made = MadeInvite(uuid4(), secrets.token_hex(CODE_BYTES))
    expires_at = None if expires_in is None else datetime.now(UTC) + expires_in
    async with opened(data, database) as tx:
        await registration_invites.add_registration_invite(
            tx, made.id, token_hash(made.code), expires_at, max_uses
        )
    return made


async def list_invites(data: Path, database: str | None, after: UUID | None, limit: int) -> Invites:
    """A page, by id. Raises Impossible."""
    async with opened(data, database) as tx:
        found = await registration_invites.list_registration_invites(tx, after, limit + 1)
    return Invites([_shown(one) for one in found[:limit]], len(found) > limit)


async def revoke_invite(data: Path, database: str | None, invite_id: UUID) -> None:
    """Raises Impossible."""
    async with opened(data, database) as tx:
        if not await registration_invites.remove_registration_invite(tx, invite_id):
            raise Impossible("not_found", f"There is no invitation {invite_id}.")


def _shown(invite: RegistrationInvite) -> Invite:
    expires_at = invite.expires_at
    expired = expires_at is not None and expires_at <= datetime.now(UTC)
    return Invite(
        id=invite.id,
        created_at=invite.created_at,
        expires_at=expires_at,
        max_uses=invite.max_uses,
        uses=invite.uses,
        ended=expired or invite.uses >= invite.max_uses,
    )


async def _account(tx: Tx, username: str) -> User:
    user = await accounts.get_user_by_name(tx, username)
    if user is None:
        raise Impossible("not_found", f"There is no account {username} on this server.")
    return user
