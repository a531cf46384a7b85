"""`coterie members`"""

from typing import TYPE_CHECKING

from coterie.cli.arguments import Group, Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk import views


def members(group: Group, as_json: Json = False) -> None:
    """List who is in a group, with their roles.

    \b
    coterie members club
    """
    people = ask(lambda client: client.members(group))
    rows = [(one.username, _role(one)) for one in people]
    say(as_json, people, table(["Username", "Role"], rows, "Nobody."))


def _role(member: "views.Member") -> str:
    return f"{member.role}, with a provisional device" if member.provisional else member.role
