"""`coterie draft`, `coterie drafts`"""

import sys
from typing import Annotated

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.output import plain, say, table
from coterie.cli.profile import ask

Text = Annotated[
    str | None,
    typer.Argument(metavar="TEXT", help="What to keep; - reads it from standard input."),
]


def draft(target: Target, text: Text = None, as_json: Json = False) -> None:
    """Keep what you have begun to write, or show it.

    It lies sealed on this device and goes nowhere. An empty text drops it, as does sending it.

    \b
    coterie draft club "Dear all,"
    coterie draft club - < letter.txt
    coterie draft club
    """
    if text is None:
        kept = ask(lambda client: client.draft(target))
        say(as_json, {"target": target, "text": kept}, plain(kept or "Nothing begun."))
        return
    begun = sys.stdin.read() if text == "-" else text
    ask(lambda client: client.keep_draft(target, begun))
    said = "Kept, on this device alone." if begun else "Dropped."
    say(as_json, {"target": target, "text": begun or None}, said)


def drafts(as_json: Json = False) -> None:
    """List what you have begun to write.

    \b
    coterie drafts
    """
    begun = ask(lambda client: client.drafts())
    rows = [(one.conversation, one.text) for one in begun]
    say(as_json, begun, table(["Conversation", "Draft"], rows, "Nothing begun."))
