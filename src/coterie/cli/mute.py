"""`coterie mute`, `coterie unmute`, `coterie mutes`"""

from datetime import timedelta
from typing import Annotated

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.durations import parse_duration
from coterie.cli.output import say, table
from coterie.cli.profile import ask

For = Annotated[
    timedelta | None,
    typer.Option(
        "--for", metavar="TIME", parser=parse_duration, help="For how long, such as 8h or 7d."
    ),
]


def mute(target: Target, length: For = None, as_json: Json = False) -> None:
    """Leave a conversation out of what counts as unread, but for what mentions you.

    Only this device knows of it.

    \b
    coterie mute club --for 8h
    coterie mute @bela
    """
    muted = ask(lambda client: client.mute(target, length))
    end = (
        "until you unmute it"
        if muted.until is None
        else f"until {muted.until.astimezone():%Y-%m-%d %H:%M}"
    )
    say(as_json, muted, f"{muted.conversation} is muted {end}.")


def unmute(target: Target, as_json: Json = False) -> None:
    """Count a conversation again.

    \b
    coterie unmute club
    """
    ask(lambda client: client.unmute(target))
    say(as_json, {"target": target}, f"{target} is not muted.")


def mutes(as_json: Json = False) -> None:
    """List what you have muted.

    \b
    coterie mutes
    """
    muted = ask(lambda client: client.mutes())
    rows = [
        (one.conversation, one.until and f"{one.until.astimezone():%Y-%m-%d %H:%M}")
        for one in muted
    ]
    say(as_json, muted, table(["Conversation", "Until"], rows, "Nothing."))
