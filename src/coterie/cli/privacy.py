"""`coterie privacy`"""

from enum import StrEnum
from typing import Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.output import say
from coterie.cli.profile import ask


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


Typing = Annotated[
    Switch | None, typer.Option("--typing", help="Whether others see that you are writing.")
]
Presence = Annotated[
    Switch | None, typer.Option("--presence", help="Whether others see that you are there.")
]


def privacy(typing: Typing = None, presence: Presence = None, as_json: Json = False) -> None:
    """Show what others see of you beside what you write, or change it.

    What you do not show you do not see of others. At first typing is on and presence is off.
    Neither is stored anywhere but on this device.

    \b
    coterie privacy
    coterie privacy --typing off --presence on
    """
    if typing is None and presence is None:
        shown = ask(lambda client: client.privacy())
    else:
        shown = ask(
            lambda client: client.set_privacy(typing=_is_on(typing), presence=_is_on(presence))
        )
    words = {True: "on", False: "off"}
    document = {"typing": words[shown.typing], "presence": words[shown.presence]}
    say(as_json, document, f"Typing: {document['typing']}. Presence: {document['presence']}.")


def _is_on(switch: Switch | None) -> bool | None:
    return None if switch is None else switch is Switch.ON
