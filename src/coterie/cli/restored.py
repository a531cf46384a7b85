"""`coterie restored`"""

from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.output import one_line, say
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.views import Loss

Accept = Annotated[
    int | None,
    typer.Option(
        "--accept", metavar="ENTRY", min=0, help="Go on from this entry, as shown without --accept."
    ),
]


def restored(target: Target, accept: Accept = None, as_json: Json = False) -> None:
    """See what a restored server has lost, and go on without it.

    After a restore from a backup the server may know less of a conversation than this device. Until
    you have looked, nothing is sent there: a server that forgets on purpose, to bring back somebody
    who was put out, looks the same. Ask your operator and the others another way. What is lost
    stays readable here, and is marked.

    \b
    coterie restored club
    coterie restored club --accept 120
    """
    if accept is None:
        loss = ask(lambda client: client.look_at_loss(target))
        say(as_json, loss, "\n".join([*_card(loss), *_advice(loss, target)]))
    else:
        loss = ask(lambda client: client.accept_loss(target, accept))
        say(as_json, loss, "\n".join([*_card(loss), "", _done(loss)]))


def _card(loss: "Loss") -> list[str]:
    name = one_line(loss.conversation)
    if not loss.member:
        return [
            f"The server shows nothing of {name} that this device knows: it says that you are not"
            " in it.",
            "Either you were put out, or it has been restored from before you came.",
        ]
    since = f", the first of {loss.since.astimezone():%Y-%m-%d %H:%M}" if loss.since else ""
    return [
        f"The server has lost {loss.entries} entries of {name}, and with them {loss.messages}"
        f" messages{since}.",
        *(f"  {one_line(one)}" for one in loss.undone),
    ]


def _advice(loss: "Loss", target: str) -> list[str]:
    from shlex import quote

    command = f"coterie restored {quote(target)} --accept {loss.kept}"
    if loss.member:
        return ["", f"To go on from there, when others confirm it: {command}"]
    return ["", f"To let go of it here, so that you can join by a new link: {command}"]


def _done(loss: "Loss") -> str:
    if loss.member:
        return "You go on from there. What is lost stays readable here."
    return "This device has let go of it. What it has stays readable here. Join by a new link."
