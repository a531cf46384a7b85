"""`coterie leave`"""

from coterie.cli.arguments import Group, Json
from coterie.cli.output import say
from coterie.cli.profile import ask


def leave(group: Group, as_json: Json = False) -> None:
    """Leave a group.

    An owner hands it to somebody first; the last one in it takes it along.

    \b
    coterie leave club
    """
    ask(lambda client: client.leave(group))
    say(as_json, {"done": True}, f"You have left {group}.")
