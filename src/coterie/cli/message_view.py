"""How messages look: as documents for programs, as lines for people."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from coterie.cli.output import console, one_line, plain

if TYPE_CHECKING:
    from rich.text import Text

    from coterie.sdk.views import FileView, Found, Message, PinnedMessage


_MARKS: Final = (
    "provisional",
    "other_identity",
    "pinned",
    "lost_by_server",
    "everyone",
    "mentions_you",
    "portrays",
)


def message_document(message: "Message") -> dict[str, object]:
    """The fields of the SDK's `Message`; marks and warnings only where they say something."""
    import msgspec

    document = msgspec.structs.asdict(message)
    if message.problem is None:
        del document["problem"]
    for mark in _MARKS:
        if not document[mark]:
            del document[mark]
    return document


def found_document(found: "Found") -> dict[str, object]:
    return {
        "conversation_id": found.conversation_id,
        "conversation": found.conversation,
        **message_document(found.message),
    }


def pinned_document(pinned: "PinnedMessage") -> dict[str, object]:
    return {
        "pinned_by": pinned.pinned_by,
        "pinned_at": pinned.pinned_at,
        **message_document(pinned.message),
    }


def show_pinned(all_pinned: Iterable["PinnedMessage"]) -> None:
    from rich.text import Text

    out = console()
    for pinned in all_pinned:
        when = f"{pinned.pinned_at.astimezone():%Y-%m-%d %H:%M}"
        by = Text(f"pinned by {one_line(pinned.pinned_by)}, {when}\n", "cyan")
        out.print(by + _paragraph(pinned.message), soft_wrap=True)
    sys.stdout.flush()


def show_found(all_found: Iterable["Found"]) -> None:
    from rich.text import Text

    out = console()
    for found in all_found:
        where = Text(f"{one_line(found.conversation)}  ", "cyan")
        out.print(where + _paragraph(found.message), soft_wrap=True)
    sys.stdout.flush()


def show_messages(messages: Iterable["Message"]) -> None:
    out = console()
    for message in messages:
        out.print(_paragraph(message), soft_wrap=True)
    sys.stdout.flush()


def _paragraph(message: "Message") -> "Text":
    from rich.text import Text

    return Text("\n").join([_heading(message), *_lines(message)])


def _heading(message: "Message") -> "Text":
    from rich.text import Text

    marks = [f"{message.created_at.astimezone():%Y-%m-%d %H:%M}", f"#{message.message_id}"]
    if message.reply_to_id is not None:
        marks.append(f"answers #{message.reply_to_id}")
    if message.edited_at is not None and message.deleted_at is None:
        marks.append("edited")
    if message.pinned:
        marks.append("pinned")
    if message.provisional:
        marks.append("provisional device")
    if message.lost_by_server:
        marks.append("lost by the server")
    if message.mentions_you:
        marks.append("mentions you")
    if message.portrays is not None:
        marks.append(f"a picture of the {message.portrays}")
    return Text.assemble((plain(message.sender), "bold"), "  ", ("  ".join(marks), "dim"))


def _lines(message: "Message") -> Iterator["Text"]:
    from rich.text import Text

    if message.deleted_at is not None:
        yield Text("  deleted", "dim italic")
    elif message.problem is not None:
        state = "cannot be shown" if message.text is None else "not as it is now"
        yield Text(f"  {state}: {message.problem.replace('_', ' ')}", "yellow")
    for line in plain(message.text or "").splitlines():
        yield Text(f"  {line}")
    for file in message.files:
        yield Text(f"  {_file(file)}", "cyan")
    if message.reactions:
        yield Text("  " + "   ".join(_reactions(message)))


def _file(file: "FileView") -> str:
    return f"📎 {one_line(file.name)}  {_size(file.size_bytes)}  {file.file_id}"


def _reactions(message: "Message") -> Iterator[str]:
    for reaction in message.reactions:
        yield f"{plain(reaction.emoji)} {', '.join(map(plain, reaction.users))}"


def _size(size_bytes: int) -> str:
    from rich.filesize import decimal

    return decimal(size_bytes)
