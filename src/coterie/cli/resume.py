"""`coterie resume`"""

from coterie.cli.arguments import Json, Target, Username
from coterie.cli.output import say
from coterie.cli.profile import ask


def resume(target: Target, username: Username, as_json: Json = False) -> None:
    """Go on where somebody tells of a different history.

    Until then nothing is sent there. Ask them and others another way first what was said: either
    the server shows you two histories, and nothing it shows can be relied on, or their client lies,
    and they should be put out. What they said stays on record: see group show.

    \b
    coterie resume club @bela
    """
    ask(lambda client: client.accept_fork(target, username))
    say(as_json, {"username": username}, f"What {username} said of the history is set aside.")
