"""`coterie tui`"""

from typing import Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.failures import Failed
from coterie.cli.profile import profile_folder

Light = Annotated[bool, typer.Option("--light", help="Dark on light. Ctrl+T changes it too.")]


def tui(light: Light = False, as_json: Json = False) -> None:
    """Open the terminal client: conversations, messages and members on one screen.

    F1 shows all keys.

    \b
    coterie tui
    """
    try:
        from coterie.tui.app import CoterieApp
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "textual":
            raise
        raise Failed(
            "not_installed", "The terminal client needs textual: pip install 'coterie[cli,tui]'"
        ) from None
    CoterieApp(profile_folder(), light=light).run()
