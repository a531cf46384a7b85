"""Who one is, whether the server is there, and what is being carried."""

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from coterie.cli.output import one_line


class StatusLine(Static):
    connected: reactive[bool | None] = reactive(None)
    """None before the first connection."""
    transfer: reactive[str] = reactive("")

    def __init__(self, username: str, server: str) -> None:
        super().__init__(id="status", markup=False)
        self._account = f"{one_line(username)}\n{one_line(server)}"

    def render(self) -> Content:
        state = {True: "● connected", False: "○ reconnecting…", None: "○ connecting…"}
        lines = [one_line(self.transfer), state[self.connected], self._account]
        return Content("\n".join(line for line in lines if line))

    def watch_connected(self) -> None:
        self.set_class(self.connected is not True, "offline")
