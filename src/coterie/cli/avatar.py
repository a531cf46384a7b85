"""`coterie avatar set|list|clear`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coterie.cli.arguments import Json, Target
from coterie.cli.output import say, table
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk import views

Picture = Annotated[
    Path, typer.Argument(metavar="PATH", help="A PNG, JPEG, GIF or WebP of at most 1 MiB.")
]
OfGroup = Annotated[
    bool, typer.Option("--of-group", help="The group's, in place of your own: for admins.")
]


def set_avatar(
    target: Target, path: Picture, of_group: OfGroup = False, as_json: Json = False
) -> None:
    """Show a picture of yourself in a conversation, or one of the group.

    It goes out as a message: only who reads the conversation can open it, and who joins later sees
    what is set from then on.

    \b
    coterie avatar set club me.jpg
    coterie avatar set club crest.png --of-group
    """
    sent = ask(lambda client: client.set_avatar(target, path, of_group=of_group))
    document = {"message_id": sent.message_id, "seq": sent.seq}
    say(as_json, document, f"Set, by message {sent.message_id}.")


def list_avatars(target: Target, as_json: Json = False) -> None:
    """List the pictures of a conversation, the group's first. Fetch one with coterie download.

    \b
    coterie avatar list club
    """
    found = ask(lambda client: client.avatars(target))
    rows = [
        (one.username or "the group", one.file.name, one.set_by, one.file.file_id) for one in found
    ]
    shown = table(["Of", "File", "Set by", "File id"], rows, "There is no picture.")
    say(as_json, [_document(one) for one in found], shown)


def clear_avatar(target: Target, of_group: OfGroup = False, as_json: Json = False) -> None:
    """Take your picture away, or the group's.

    \b
    coterie avatar clear club
    """
    ask(lambda client: client.clear_avatar(target, of_group=of_group))
    say(as_json, {}, "The picture is gone.")


def _document(avatar: "views.Avatar") -> dict[str, object]:
    import msgspec

    return msgspec.structs.asdict(avatar)


VERBS: dict[str, Any] = {"set": set_avatar, "list": list_avatars, "clear": clear_avatar}
