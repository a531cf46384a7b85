"""Somebody at a terminal: keys and clicks go in, and what stands on the screen comes out."""

import asyncio
import html
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.pilot import Pilot

from coterie.tui.app import CoterieApp
from coterie.tui.screens.chat import Chat
from coterie.tui.widgets.timeline import Timeline

SIZE = (110, 32)
SECONDS = 30
_CELL = 12.2
_TEXT = re.compile(r'<text class="[^"]*" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')


class Window:
    """`see` waits for what should be there; nothing here waits for the clock."""

    def __init__(self, app: CoterieApp) -> None:
        self.app = app
        self._stirred = asyncio.Event()
        self._pilot: Pilot[None] | None = None

    def hear(self, message: Message) -> None:
        """Something has happened in the program."""
        self._stirred.set()

    @property
    def pilot(self) -> Pilot[None]:
        assert self._pilot is not None, "it is open"
        return self._pilot

    @pilot.setter
    def pilot(self, pilot: Pilot[None]) -> None:
        self._pilot = pilot

    @property
    def chat(self) -> Chat:
        found = [one for one in self.app.screen_stack if isinstance(one, Chat)]
        return found[0]

    @property
    def timeline(self) -> Timeline:
        return self.chat.timeline

    @property
    def text(self) -> str:
        """Everything on the screen, line by line."""
        lines: defaultdict[float, str] = defaultdict(str)
        found = [(float(y), float(x), words) for x, y, words in _TEXT.findall(self.picture)]
        for y, x, words in sorted(found):
            room = round(x / _CELL) - cell_len(lines[y])
            lines[y] += " " * room + html.unescape(words).replace("\xa0", " ")
        return "\n".join(lines[y] for y in sorted(lines))

    @property
    def picture(self) -> str:
        """The same as SVG."""
        return self.app.export_screenshot()

    async def until(self, is_so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                while not is_so():
                    self._stirred.clear()
                    await self._stirred.wait()
                    await self.pilot.pause()
        except TimeoutError:
            raise AssertionError(f"it is not so:\n{self.text}") from None

    async def see(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def see_no_more(self, *words: str) -> None:
        await self.until(lambda: not any(word in self.text for word in words))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*(_KEYS.get(one, one) for one in text))

    async def paste(self, text: str) -> None:
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()


_KEYS = {" ": "space", "@": "at", "/": "slash", "#": "number_sign", "\n": "ctrl+j"}


@asynccontextmanager
async def window(
    home: Path, *, size: tuple[int, int] = SIZE, light: bool = False
) -> AsyncGenerator[Window]:
    """`coterie tui` on this profile."""
    app = CoterieApp(home, light=light)
    opened = Window(app)
    async with app.run_test(size=size, message_hook=opened.hear) as pilot:
        opened.pilot = pilot
        yield opened
