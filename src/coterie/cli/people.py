"""`coterie people`"""

from typing import TYPE_CHECKING

from coterie.cli.arguments import Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.client import Client
    from coterie.sdk.views import Person


def people(as_json: Json = False) -> None:
    """List whom you talk with directly. Who only asks to is in requests.

    \b
    coterie people
    coterie read @chen
    """
    listed = ask(_listed)
    say(as_json, listed, table(["Username"], [(one.username,) for one in listed], "Nobody yet."))


async def _listed(client: "Client") -> "list[Person]":
    await client.sync()
    return await client.people()
