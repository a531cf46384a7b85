"""`coterie kick`"""

from coterie.cli.arguments import Group, Json, Reason, Username
from coterie.cli.output import say
from coterie.cli.profile import ask


def kick(group: Group, username: Username, reason: Reason = None, as_json: Json = False) -> None:
    """Take somebody out of a group.

    They read nothing more, and may come back by an invite link.

    \b
    coterie kick club chen --reason "not a member of the club any more"
    """
    ask(lambda client: client.kick(group, username, reason))
    say(as_json, {"username": username}, f"{username} is out of {group}.")
