"""`coterie send`"""

from pathlib import Path
from typing import Annotated

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.output import say
from coterie.cli.profile import ask
from coterie.cli.transfers import progress_bars

Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to say. It may begin with a dash.")]
ReplyTo = Annotated[
    int | None, typer.Option("--reply-to", metavar="ID", min=1, help="The message it answers.")
]
Files = Annotated[
    list[Path] | None, typer.Option("--file", metavar="PATH", help="A file to send. Repeatable.")
]


def send(
    target: Target,
    text: Text,
    reply_to: ReplyTo = None,
    file: Files = None,
    as_json: Json = False,
) -> None:
    """Send a message, to a group, to one person, or as a note to yourself.

    @username in the text mentions a member of the conversation; @everyone mentions all, from
    moderator on.

    \b
    coterie send club "Hello, all"
    coterie send @bela "-5 degrees" --reply-to 12
    coterie send @yourname "Remember the milk"
    coterie send club "The plan" --file plan.pdf --file map.png
    """
    paths = tuple(file or ())
    with progress_bars() as progress:
        sent = ask(
            lambda client: client.send(
                target, text, reply_to=reply_to, files=paths, progress=progress
            )
        )
    document = {"message_id": sent.message_id, "seq": sent.seq}
    say(as_json, document, f"Sent, as message {sent.message_id}.")
