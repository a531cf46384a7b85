"""`coterie role`"""

from enum import StrEnum
from typing import Annotated

import typer

from coterie.cli.arguments import Group, Json, Reason, Username
from coterie.cli.output import say
from coterie.cli.profile import ask
from coterie.protocol import roles


class GivenRole(StrEnum):
    """The roles one person gives another; ownership is transferred."""

    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"


Role = Annotated[GivenRole, typer.Argument(metavar="ROLE", help="member, moderator or admin.")]


def role(
    group: Group, username: Username, role: Role, reason: Reason = None, as_json: Json = False
) -> None:
    """Give somebody a role.

    To make somebody the owner, use transfer.

    \b
    coterie role club bela moderator
    """
    ask(lambda client: client.set_role(group, username, roles.Role(role), reason))
    say(as_json, {"username": username, "role": role}, f"{username} is {role} now.")
