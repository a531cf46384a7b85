"""`coterie search`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.message_view import found_document, show_found
from coterie.cli.output import write_json
from coterie.cli.profile import ask
from coterie.cli.read import Before, Limit

Words = Annotated[
    str, typer.Argument(metavar="WORDS", help="What all has to be in it, in any order.")
]
Within = Annotated[
    str | None,
    typer.Option("--in", metavar="TARGET", help="Only in this group, or with this @username."),
]


def search(
    words: Words,
    within: Within = None,
    limit: Limit = 50,
    before: Before = None,
    as_json: Json = False,
) -> None:
    """Search the messages and file names this device has, the newest first.

    Beginnings of words are enough; case and accents do not matter. What you search for stays on
    this device.

    \b
    coterie search "apple pie"
    coterie search cafe --in club --limit 5
    """
    found = ask(lambda client: client.search(words, target=within, limit=limit, before=before))
    if as_json:
        write_json([found_document(one) for one in found])
    elif found:
        show_found(found)
    else:
        typer.echo("Nothing found.")
