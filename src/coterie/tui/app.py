"""The program: one profile, one window."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from coterie.sdk import Client
from coterie.sdk.errors import ClientError
from coterie.tui.screens.chat import Chat
from coterie.tui.screens.confirm import Confirm
from coterie.tui.screens.dialog import Dialog
from coterie.tui.screens.help import Help, KeyTable
from coterie.tui.screens.link import Link
from coterie.tui.screens.picker import Picker
from coterie.tui.screens.prompt import Prompt
from coterie.tui.screens.welcome import Welcome
from coterie.tui.themes import DARK, LIGHT
from coterie.tui.widgets.composer import Composer
from coterie.tui.widgets.conversation_list import ConversationList
from coterie.tui.widgets.member_list import MemberList
from coterie.tui.widgets.timeline import Timeline


class CoterieApp(App[None]):
    """`home` is the profile's folder."""

    TITLE = "Coterie"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[Any]] = [
        Binding("f1", "help", "Help", priority=True),
        Binding("ctrl+t", "change_light", "Dark or light", show=False, priority=True),
        Binding("ctrl+p", "command_palette", "All commands", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, home: Path, *, light: bool = False) -> None:
        super().__init__()
        self._home = home
        self._client: Client | None = None
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if light else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def on_mount(self) -> None:
        try:
            self._client = Client.open(self._home)
        except ClientError as error:
            self.push_screen(Welcome(str(error)))
        else:
            self.push_screen(Chat(self._client))

    async def on_unmount(self) -> None:
        if self._client is not None:
            await self._client.close()

    def action_help(self) -> None:
        if not isinstance(self.screen, Help):
            self.push_screen(Help(KEYS))

    def action_change_light(self) -> None:
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that has a key and can be done now, once."""
        offered = set[str]()
        for place, bindings in KEYS.items():
            for binding in bindings:
                action = binding.action.removeprefix("screen.")
                if action not in offered and self._can_do(screen, action):
                    offered.add(action)
                    yield SystemCommand(
                        binding.description, place, partial(self._run, screen, action)
                    )

    def _can_do(self, screen: Screen[Any], action: str) -> bool:
        name = action.partition("(")[0]
        owner = self._owner(screen, name)
        known = name != "command_palette" and hasattr(owner, f"action_{name}")
        return known and bool(owner.check_action(name, ()))

    def _owner(self, screen: Screen[Any], name: str) -> "Screen[Any] | CoterieApp":
        return screen if hasattr(screen, f"action_{name}") else self

    async def _run(self, screen: Screen[Any], action: str) -> None:
        await self.run_action(action, self._owner(screen, action.partition("(")[0]))


KEYS: KeyTable = {
    "Everywhere": [*Chat.BINDINGS, *CoterieApp.BINDINGS],
    "Writing": list(Composer.BINDINGS),
    "Messages (Up from an empty line, Tab, or a click)": list(Timeline.BINDINGS),
    "Conversations": list(ConversationList.BINDINGS),
    "Members": list(MemberList.BINDINGS),
    "In a window": [
        *Dialog.BINDINGS,
        *Picker.BINDINGS,
        *Prompt.BINDINGS,
        *Confirm.BINDINGS,
        *Link.BINDINGS,
        *Help.BINDINGS,
        *Welcome.BINDINGS,
    ],
}
