"""`coterie join`"""

import sys
from typing import Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.output import one_line, say
from coterie.cli.profile import ask

Link = Annotated[
    str, typer.Argument(metavar="LINK", help="The whole link, with the part after #; - to read it.")
]


def join(link: Link, as_json: Json = False) -> None:
    """Enter a group by an invite link.

    The part after # is the secret that proves the link and never reaches the server. Without it,
    or with a wrong one, nothing is used up. Quote the link: some shells treat # as a comment. On a
    machine that others use give - and the link on standard input: they see what commands are given.

    \b
    coterie join 'https://chat.example.org/join/…#…'
    coterie join - < link.txt
    """
    whole = sys.stdin.readline().strip() if link == "-" else link
    group = ask(lambda client: client.join(whole))
    say(
        as_json,
        {"group_id": group.group_id, "name": group.name},
        f"You are in {one_line(group.name)}.",
    )
