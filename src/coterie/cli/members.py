"""`coterie members`"""

from coterie.cli.arguments import Group, Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask


def members(group: Group, as_json: Json = False) -> None:
    """List who is in a group, with their roles.

    \b
    coterie members club
    """
    people = ask(lambda client: client.members(group))
    rows = [{"user_id": one.user_id, "username": one.username, "role": one.role} for one in people]
    human = table(["Username", "Role"], [(one.username, one.role) for one in people], "Nobody.")
    say(as_json, rows, human)
