"""The arguments that several verbs share."""

from typing import Annotated

import typer


def without_at(username: str) -> str:
    """`@ana` and `ana` are the same person."""
    return username.removeprefix("@")


Group = Annotated[str, typer.Argument(metavar="GROUP", help="A group, by name or id.")]
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="A group, by name or id, or a person: @username.")
]
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="A person.", callback=without_at)]
MessageId = Annotated[
    int, typer.Argument(metavar="ID", help="The number of a message, as read shows it.", min=1)
]
Emoji = Annotated[str, typer.Argument(metavar="EMOJI", help="One emoji, such as 👍.")]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; the server keeps it readable.")
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Answer in JSON; errors too (on stderr: code and message)."),
]
