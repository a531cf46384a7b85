"""What moderators did to a group, as its server keeps it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from coterie.protocol import commands
from coterie.protocol.commands import Audit, ListAudit
from coterie.protocol.limits import PAGE_ROWS
from coterie.sdk.conversations import find_group
from coterie.sdk.people import claimed_name, is_username
from coterie.sdk.pins import learn_names
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.pins import get_pin, get_pin_by_name
from coterie.sdk.views import AuditEntry


async def list_audit(
    profile: Profile, ref: str, limit: int, before: int | None
) -> list[AuditEntry]:
    """The newest first."""
    group_id = (await find_group(profile, ref)).conversation_id
    told = await _told(profile, group_id, limit, before)
    await learn_names(profile, group_id)
    names = await profile.vault.read(lambda tx: _names(tx, told))
    return [_view(entry, names) for entry in told]


async def _told(
    profile: Profile, group_id: UUID, limit: int, before: int | None
) -> list[commands.AuditEntry]:
    found: list[commands.AuditEntry] = []
    more = True
    while more and len(found) < limit:
        rows = min(limit - len(found), PAGE_ROWS)
        command = ListAudit(group_id=group_id, before=before, limit=rows)
        page = await profile.connection.call(command, Audit)
        found += page.entries
        before = page.entries[-1].audit_id if page.entries else before
        more = page.more and bool(page.entries)
    return found


def _names(tx: Transaction, entries: Iterable[commands.AuditEntry]) -> Mapping[UUID, str]:
    """Pinned names; of somebody never met, the one the server gives, unless it is another's."""
    told = {entry.actor_id: entry.actor_username for entry in entries}
    told |= {entry.target_id: entry.target_username for entry in entries if entry.target_id}
    return {user_id: _name(tx, user_id, name) for user_id, name in told.items()}


def _name(tx: Transaction, user_id: UUID, told: str | None) -> str:
    unknown = get_pin(tx, user_id) is None
    if unknown and told and is_username(told) and get_pin_by_name(tx, told) is None:
        return told
    return claimed_name(tx, user_id)


def _view(entry: commands.AuditEntry, names: Mapping[UUID, str]) -> AuditEntry:
    return AuditEntry(
        audit_id=entry.audit_id,
        actor=names[entry.actor_id],
        act=entry.act,
        target=None if entry.target_id is None else names[entry.target_id],
        message_id=entry.message_id,
        detail=entry.detail,
        reason=entry.reason,
        created_at=entry.created_at,
    )
