"""`coterie audit`"""

from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Group, Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk import views

MOST = 1_000
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="How many acts.")]
Before = Annotated[
    int | None,
    typer.Option("--before", metavar="ID", min=1, help="Only acts older than this one."),
]


def audit(group: Group, limit: Limit = 50, before: Before = None, as_json: Json = False) -> None:
    """List what was done to a group and the people in it: by whom, when and why.

    The newest first. For moderators and above; it is what the server says.

    \b
    coterie audit club --limit 20
    """
    acts = ask(lambda client: client.audit(group, limit=limit, before=before))
    columns = ["Id", "When", "Who", "What", "To", "About", "Reason"]
    say(as_json, acts, table(columns, map(_row, acts), "Nothing was done yet."))


def _row(act: "views.AuditEntry") -> tuple[object, ...]:
    when = f"{act.created_at.astimezone():%Y-%m-%d %H:%M}"
    about = act.detail if act.message_id is None else f"#{act.message_id}"
    return act.audit_id, when, act.actor, act.act.replace("_", " "), act.target, about, act.reason
