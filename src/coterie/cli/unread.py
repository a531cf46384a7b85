"""`coterie unread`"""

from coterie.cli.arguments import Json
from coterie.cli.output import say, table
from coterie.cli.profile import ask


def unread(as_json: Json = False) -> None:
    """List the conversations with something new, and how much.

    What mentions you is counted apart as well. What coterie read has shown counts as read.

    \b
    coterie unread
    """
    found = ask(lambda client: client.unread())
    rows = [(one.conversation, one.unread, one.mentions or None) for one in found]
    say(as_json, found, table(["Conversation", "Unread", "Mentions you"], rows, "Nothing new."))
