"""`coterie invite create|list|revoke`"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coterie.cli.arguments import Group, Json
from coterie.cli.durations import parse_duration
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk import views

Expires = Annotated[
    timedelta | None,
    typer.Option(
        "--expires",
        metavar="DURATION",
        parser=parse_duration,
        help="How long it works: 30m, 12h, 7d. Default: until it is revoked.",
    ),
]
MaxUses = Annotated[
    int | None,
    typer.Option("--max-uses", metavar="N", min=1, help="How many may enter by it."),
]
Code = Annotated[str, typer.Argument(metavar="CODE", help="The code of a link, as list shows it.")]


def create(
    group: Group, expires: Expires = None, max_uses: MaxUses = None, as_json: Json = False
) -> None:
    """Make an invite link. Whoever has all of it may enter: pass it on with care.

    \b
    coterie invite create club --expires 7d --max-uses 5
    """
    made = ask(lambda client: client.create_invite(group, expires_in=expires, max_uses=max_uses))
    document = {
        "code": made.code,
        "link": str(made.link),
        "expires_at": made.expires_at,
        "max_uses": made.max_uses,
    }
    say(as_json, document, str(made.link))


def list_invites(group: Group, as_json: Json = False) -> None:
    """List a group's invite links. Their secrets are known to nobody but who has the link.

    \b
    coterie invite list club
    """
    invites = ask(lambda client: client.invites(group))
    rows = [(one.code, _uses(one.uses, one.max_uses), _end(one), one.created_by) for one in invites]
    columns = ["Code", "Uses", "Ends", "Made by"]
    say(as_json, invites, table(columns, rows, "There is no invite link."))


def revoke(group: Group, code: Code, as_json: Json = False) -> None:
    """Close an invite link.

    \b
    coterie invite revoke club 3xKq0vTb8LmZr2Jd9sWf
    """
    ask(lambda client: client.revoke_invite(group, code))
    say(as_json, {"code": code}, f"The link {code} is closed.")


def _uses(uses: int, most: int | None) -> str:
    return str(uses) if most is None else f"{uses} of {most}"


def _end(invite: "views.Invite") -> str:
    if invite.ended:
        return "has ended"
    return f"{invite.expires_at.astimezone():%Y-%m-%d %H:%M}" if invite.expires_at else "never"


VERBS: dict[str, Any] = {"create": create, "list": list_invites, "revoke": revoke}
