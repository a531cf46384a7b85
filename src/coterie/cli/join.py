"""`coterie join`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.output import one_line, say
from coterie.cli.profile import ask

Link = Annotated[str, typer.Argument(metavar="LINK", help="The whole link, with the part after #.")]


def join(link: Link, as_json: Json = False) -> None:
    """Enter a group by an invite link.

    The part after # is the secret that proves the link and never reaches the server. Without it,
    or with a wrong one, nothing is used up. Quote the link: some shells treat # as a comment.

    \b
    coterie join 'https://chat.example.org/join/…#…'
    """
    group = ask(lambda client: client.join(link))
    say(
        as_json,
        {"group_id": group.group_id, "name": group.name},
        f"You are in {one_line(group.name)}.",
    )
