"""How a message looks: lines of styled text, which the timeline wraps to its width.

Texts of others are never markup, and lose what would steer the terminal.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from rich.filesize import decimal
from textual.content import Content
from textual.style import Style

from coterie.cli.output import one_line, plain
from coterie.sdk.views import FileView, Message, ReactionView
from coterie.tui.drafts import Draft, Fate

TOGETHER: Final = timedelta(minutes=5)
"""Messages of one person that follow each other so soon stand under one name."""


class Look(NamedTuple):
    """The styles of the parts of a message; `name` gives that of somebody's name."""

    dark: bool
    text: Style
    quiet: Style
    warning: Style
    error: Style
    file: Style
    chip: Style
    own_chip: Style

    def name(self, name: str) -> Style:
        from textual.color import Color

        from coterie.tui.themes import name_colour

        return Style(foreground=Color.parse(name_colour(name, dark=self.dark)), bold=True)


class Line(NamedTuple):
    """`cut`: one that is too long is cut, not wrapped."""

    content: Content
    cut: bool = False


def starts_anew(message: Message, before: Message | None) -> bool:
    """Whether the sender is named above it."""
    return (
        before is None
        or message.reply_to_id is not None
        or message.sender != before.sender
        or message.created_at - before.created_at > TOGETHER
        or local(message.created_at).date() != local(before.created_at).date()
    )


def message_lines(
    message: Message, original: Message | None, me: str, look: Look, *, named: bool
) -> Iterator[Line]:
    """`original` is what it answers, where that is known; `me`, the reader's username."""
    if named:
        yield Line(_heading(message, look))
    if message.reply_to_id is not None:
        yield Line(quote(original, look), cut=True)
    yield from _body(message, look, named=named)
    for file in message.files:
        yield Line(_file(file, look), cut=True)
    if message.reactions:
        yield Line(_chips(message.reactions, me, look))


def draft_lines(draft: Draft, original: Message | None, look: Look) -> Iterator[Line]:
    if draft.reply_to is not None:
        yield Line(quote(original, look), cut=True)
    yield from _lines(draft.text, look.quiet)
    for name in draft.file_names:
        yield Line(Content.styled(f"📎 {one_line(name)}", look.quiet), cut=True)
    yield from _fate(draft, look)


def quote(original: Message | None, look: Look) -> Content:
    """One line of what is answered."""
    if original is None:
        return Content.styled("┃ an earlier message", look.quiet)
    name = one_line(original.sender)
    said = one_line(summary(original))
    return Content.assemble(("┃ ", look.quiet), (name, look.name(name)), (f" {said}", look.quiet))


def summary(message: Message) -> str:
    """What it says, in a few words."""
    if message.deleted_at is not None:
        return "deleted"
    if message.text:
        return message.text
    if message.files:
        return ", ".join(file.name for file in message.files)
    return "cannot be shown"


def clock(moment: datetime) -> str:
    return f"{local(moment):%H:%M}"


def day_name(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"


def local(moment: datetime) -> datetime:
    return moment.astimezone()


def _heading(message: Message, look: Look) -> Content:
    name = one_line(message.sender)
    marks = [clock(message.created_at), *_marks(message)]
    heading = Content.assemble((name, look.name(name)), ("  " + "  ".join(marks), look.quiet))
    if message.provisional:
        heading += Content.styled("  provisional device", look.warning)
    if message.other_identity:
        heading += Content.styled("  not who you know under this name", look.warning)
    return heading


def _marks(message: Message) -> list[str]:
    return ["edited"] if message.edited_at is not None and message.deleted_at is None else []


def _body(message: Message, look: Look, *, named: bool) -> Iterator[Line]:
    if message.deleted_at is not None:
        yield Line(Content.styled("deleted", look.quiet + Style(italic=True)))
        return
    if message.problem is not None:
        state = "cannot be shown" if message.text is None else "not as it is now"
        problem = message.problem.replace("_", " ")
        yield Line(Content.styled(f"{state}: {problem}", look.warning))
    lines = list(_lines(message.text or "", look.text))
    if lines and not named and message.edited_at is not None:
        lines[-1] = Line(lines[-1].content + Content.styled("  edited", look.quiet))
    yield from lines


def _lines(text: str, style: Style) -> Iterator[Line]:
    for line in plain(text).splitlines():
        yield Line(Content.styled(line.expandtabs(4), style))


def _file(file: FileView, look: Look) -> Content:
    return Content.assemble(
        (f"📎 {one_line(file.name)}", look.file), (f"  {decimal(file.size_bytes)}", look.quiet)
    )


def _chips(reactions: tuple[ReactionView, ...], me: str, look: Look) -> Content:
    return Content(" ").join(
        Content.styled(
            f" {one_line(one.emoji)} {len(one.users)} ",
            look.own_chip if me in one.users else look.chip,
        )
        for one in reactions
    )


def _fate(draft: Draft, look: Look) -> Iterator[Line]:
    if draft.fate is Fate.FAILED:
        yield Line(Content.styled(f"not sent: {one_line(draft.detail)}", look.error))
        yield Line(Content.styled("Enter tries again, d drops it.", look.quiet))
        return
    words = draft.fate.value if not draft.detail else f"{draft.fate.value} {one_line(draft.detail)}"
    yield Line(Content.styled(words, look.quiet + Style(italic=True)))
