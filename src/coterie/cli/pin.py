"""`coterie pin`, `coterie unpin`, `coterie pins`"""

import typer

from coterie.cli.arguments import Json, MessageId, Target
from coterie.cli.message_view import pinned_document, show_pinned
from coterie.cli.output import say, write_json
from coterie.cli.profile import ask


def pin(target: Target, message_id: MessageId, as_json: Json = False) -> None:
    """Pin a message, for everybody in the conversation to find.

    In a group, moderators and above do this.

    \b
    coterie pin club 12
    """
    ask(lambda client: client.pin(target, message_id))
    say(as_json, {"message_id": message_id}, f"Message {message_id} is pinned.")


def unpin(target: Target, message_id: MessageId, as_json: Json = False) -> None:
    """Take a pin back.

    \b
    coterie unpin club 12
    """
    ask(lambda client: client.unpin(target, message_id))
    say(as_json, {"message_id": message_id}, f"Message {message_id} is pinned no more.")


def pins(target: Target, as_json: Json = False) -> None:
    """List the pinned messages of a conversation, the one pinned last first.

    \b
    coterie pins club
    coterie pins @bela
    """
    found = ask(lambda client: client.pinned(target))
    if as_json:
        write_json([pinned_document(one) for one in found])
    elif found:
        show_pinned(found)
    else:
        typer.echo("No message is pinned.")
