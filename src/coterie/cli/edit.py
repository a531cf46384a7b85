"""`coterie edit`"""

from coterie.cli.arguments import Json, MessageId, Target
from coterie.cli.output import say
from coterie.cli.profile import ask
from coterie.cli.send import Text


def edit(target: Target, message_id: MessageId, text: Text, as_json: Json = False) -> None:
    """Change what a message of yours says.

    \b
    coterie edit club 12 "Hello, everybody"
    """
    ask(lambda client: client.edit(target, message_id, text))
    say(as_json, {"message_id": message_id}, f"Message {message_id} is changed.")
