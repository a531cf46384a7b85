"""`coterie unread`"""

from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.views import Unread, UnreadTotal

Total = Annotated[bool, typer.Option("--total", help="Only the sum, as a badge would show it.")]


def unread(total: Total = False, as_json: Json = False) -> None:
    """List the conversations with something new, and how much.

    What mentions you is counted apart as well. What coterie read has shown counts as read. Of muted
    conversations only what mentions you counts in the sum.

    \b
    coterie unread
    coterie unread --total --json
    """
    from coterie.sdk.reading import total_of

    found = ask(lambda client: client.unread())
    if total:
        say(as_json, total_of(found), _sentence(total_of(found)))
    else:
        columns = ["Conversation", "Unread", "Mentions you", ""]
        say(as_json, found, table(columns, map(_row, found), "Nothing new."))


def _row(one: "Unread") -> tuple[object, ...]:
    return one.conversation, one.unread, one.mentions or None, "muted" if one.muted else None


def _sentence(total: "UnreadTotal") -> str:
    return f"{total.unread} unread, of which {total.mentions} mention you."
