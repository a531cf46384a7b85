"""`coterie delete`"""

from coterie.cli.arguments import Json, MessageId, Reason, Target
from coterie.cli.output import say
from coterie.cli.profile import ask


def delete(
    target: Target, message_id: MessageId, reason: Reason = None, as_json: Json = False
) -> None:
    """Delete a message, with its files and reactions.

    Your own, or by rank somebody else's. A note that it was deleted stays. The reason is for the
    moderators of a group, where the message is somebody else's.

    \b
    coterie delete club 12
    """
    ask(lambda client: client.delete(target, message_id, reason))
    say(as_json, {"message_id": message_id}, f"Message {message_id} is deleted.")
