"""`coterie react`, `coterie unreact`"""

from coterie.cli.arguments import Emoji, Json, MessageId, Target
from coterie.cli.output import say
from coterie.cli.profile import ask


def react(target: Target, message_id: MessageId, emoji: Emoji, as_json: Json = False) -> None:
    """React to a message.

    Only members can read which emoji it is.

    \b
    coterie react club 12 👍
    """
    ask(lambda client: client.react(target, message_id, emoji))
    say(as_json, {"message_id": message_id}, f"{emoji} to message {message_id}.")


def unreact(target: Target, message_id: MessageId, emoji: Emoji, as_json: Json = False) -> None:
    """Take a reaction back.

    \b
    coterie unreact club 12 👍
    """
    ask(lambda client: client.unreact(target, message_id, emoji))
    say(as_json, {"message_id": message_id}, f"No more {emoji} to message {message_id}.")
