"""What the next message is: an answer, an edit, or one with files; shown above the composer."""

from pathlib import Path

from textual.reactive import reactive
from textual.widgets import Static

from coterie.cli.output import one_line
from coterie.sdk.views import Message
from coterie.tui.message_lines import summary


class Intent(Static):
    answering: reactive[Message | None] = reactive(None)
    editing: reactive[Message | None] = reactive(None)
    files: reactive[tuple[Path, ...]] = reactive(())

    def __init__(self) -> None:
        super().__init__(id="intent", markup=False)

    @property
    def reply_to(self) -> int | None:
        return None if self.answering is None else self.answering.message_id

    def reply(self, message: Message) -> None:
        self.answering, self.editing = message, None

    def edit(self, message: Message) -> None:
        self.answering, self.editing = None, message

    def attach(self, path: Path) -> None:
        self.files = (*self.files, path)

    def clear(self) -> bool:
        """Whether there was anything."""
        found = bool(self.answering or self.editing or self.files)
        self.answering, self.editing, self.files = None, None, ()
        return found

    def render(self) -> str:
        words: list[str] = []
        if self.answering is not None:
            words.append(f"Reply to {self.answering.sender}: {summary(self.answering)}")
        if self.editing is not None:
            words.append(f"Editing: {summary(self.editing)}")
        words += [f"📎 {path.name}" for path in self.files]
        return "\n".join(one_line(one) for one in words)

    def on_mount(self) -> None:
        self._show_or_hide()

    def watch_answering(self) -> None:
        self._show_or_hide()

    def watch_editing(self) -> None:
        self._show_or_hide()

    def watch_files(self) -> None:
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        self.display = bool(self.answering or self.editing or self.files)
        self.refresh(layout=True)
