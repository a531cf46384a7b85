"""`coterie login`, `coterie logout`"""

from coterie.cli.arguments import Json
from coterie.cli.output import say
from coterie.cli.passwords import ask_password
from coterie.cli.profile import ask


def login(as_json: Json = False) -> None:
    """Begin a new session for this profile's device.

    Needed when the old session has ended: after 90 days, or after logout.

    \b
    coterie login
    """
    password = ask_password()
    ask(lambda client: client.log_in(password))
    say(as_json, {"done": True}, "You are logged in.")


def logout(as_json: Json = False) -> None:
    """End this device's session.

    Keys and messages stay in the profile.

    \b
    coterie logout
    """
    ask(lambda client: client.log_out())
    say(as_json, {"done": True}, "You are logged out.")
