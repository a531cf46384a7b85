"""`coterie ban`, `coterie unban`, `coterie bans`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Group, Json, Reason, Username
from coterie.cli.output import say, table
from coterie.cli.profile import ask

KeepInvites = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-invite",
        metavar="CODE",
        help="An invite link that stays open. Repeatable.",
    ),
]


def ban(
    group: Group,
    username: Username,
    reason: Reason = None,
    keep_invite: KeepInvites = None,
    as_json: Json = False,
) -> None:
    """Take somebody out of a group for good.

    They read nothing more and cannot come back. Every open invite link of the group is
    closed with it.

    \b
    coterie ban club chen --reason "threats"
    """
    kept = tuple(keep_invite or ())
    ask(lambda client: client.ban(group, username, reason, keep_invites=kept))
    say(as_json, {"username": username}, f"{username} is banned from {group}.")


def unban(group: Group, username: Username, reason: Reason = None, as_json: Json = False) -> None:
    """Lift a ban: they may come back by an invite link.

    \b
    coterie unban club chen
    """
    ask(lambda client: client.unban(group, username, reason))
    say(as_json, {"username": username}, f"{username} may come back to {group}.")


def bans(group: Group, as_json: Json = False) -> None:
    """List who is banned from a group, by whom and why.

    \b
    coterie bans club
    """
    listed = ask(lambda client: client.bans(group))
    rows = [(one.username, one.banned_at.date(), one.reason) for one in listed]
    say(as_json, listed, table(["Username", "Since", "Reason"], rows, "Nobody is banned."))
