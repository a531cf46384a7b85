"""`coterie read`"""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.message_view import message_document, show_messages
from coterie.cli.output import write_json
from coterie.cli.profile import ask, pass_on_warnings

if TYPE_CHECKING:
    from coterie.sdk.client import Client

MOST = 1_000
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="How many messages.")
]
Before = Annotated[
    int | None,
    typer.Option("--before", metavar="ID", min=1, help="Only messages older than this one."),
]
Follow = Annotated[
    bool, typer.Option("--follow", help="Go on with what is new or changed, until interrupted.")
]


def read(
    target: Target,
    limit: Limit = 50,
    before: Before = None,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Read messages, oldest first.

    With --follow it goes on until Ctrl-C; a message that changes is shown again. With --json it
    then prints one message per line.

    \b
    coterie read club --limit 20
    coterie read @bela --before 120
    coterie read club --follow
    """
    if follow:
        with suppress(KeyboardInterrupt):
            ask(lambda client: _follow(client, target, limit, as_json))
        return
    messages = ask(lambda client: client.read(target, limit=limit, before=before))
    if as_json:
        write_json([message_document(one) for one in messages])
    elif messages:
        show_messages(messages)
    else:
        typer.echo("No messages yet.")


async def _follow(client: "Client", target: str, limit: int, as_json: bool) -> None:
    async for message in client.follow(target, history=limit):
        if as_json:
            write_json(message_document(message))
        else:
            show_messages([message])
        pass_on_warnings(client)
