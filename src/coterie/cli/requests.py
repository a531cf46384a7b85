"""`coterie requests`, `coterie accept`, `coterie decline`"""

from typing import TYPE_CHECKING

from coterie.cli.arguments import Json, Username
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.client import Client
    from coterie.sdk.views import Request


def requests(as_json: Json = False) -> None:
    """List who wrote to you without knowing you.

    Somebody to whom you never wrote, and with whom you share no group, only asks. Nobody is told
    that you looked, and nothing of it counts as unread.

    \b
    coterie requests
    coterie read @chen
    coterie accept chen
    """
    found = ask(_listed)
    rows = [(one.username, one.messages) for one in found]
    say(as_json, found, table(["Username", "Messages"], rows, "Nobody asks."))


def accept(username: Username, as_json: Json = False) -> None:
    """Take somebody's direct messages. To answer them does the same.

    \b
    coterie accept chen
    """
    ask(lambda client: client.accept_request(username))
    say(as_json, {"username": username}, f"You and {username} may write to each other.")


def decline(username: Username, as_json: Json = False) -> None:
    """Block somebody who asks, and list nothing of theirs. accept takes it back.

    \b
    coterie decline chen
    """
    ask(lambda client: client.decline_request(username))
    say(as_json, {"username": username}, f"{username} cannot write to you any more.")


async def _listed(client: "Client") -> "list[Request]":
    await client.sync()
    return await client.requests()
