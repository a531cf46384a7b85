"""What moderators did, for moderators to read. Each act is noted by the operation that does it."""

from coterie.protocol.commands import Audit, AuditEntry, ListAudit
from coterie.protocol.roles import Action
from coterie.server.operations import access
from coterie.server.operations.access import Actor
from coterie.server.storage import audit
from coterie.server.storage.database import Tx
from coterie.server.storage.views import AuditView


async def list_audit(tx: Tx, actor: Actor, command: ListAudit) -> Audit:
    await access.require_in_group(tx, actor, command.group_id, Action.SEE_AUDIT)
    found = await audit.list_acts(tx, command.group_id, command.before, command.limit + 1)
    page = found[: command.limit]
    return Audit(entries=[_entry(view) for view in page], more=len(found) > len(page))


def _entry(view: AuditView) -> AuditEntry:
    return AuditEntry(
        audit_id=view.id,
        actor_id=view.actor_id,
        actor_username=view.actor_username,
        act=view.act,
        target_id=view.target_id,
        target_username=view.target_username,
        message_id=view.message_id,
        detail=view.detail,
        reason=view.reason,
        created_at=view.created_at,
    )
