"""Whether a command is well-formed: asked before anything of it is stored or sent."""

import re
from typing import Any, Final

import msgspec

from coterie.protocol import limits
from coterie.protocol.commands import Command
from coterie.sdk.errors import BadInput

_FEWEST, _MOST = limits.USERNAME_LENGTH
_SHORTEST, _LONGEST = limits.PASSWORD_LENGTH
_RULES: Final = {
    "username": f"A username has {_FEWEST} to {_MOST} small letters and digits, and . _ - within.",
    "password": f"A password has {_SHORTEST} to {_LONGEST} characters.",
    "name": f"A group's name has 1 to {limits.GROUP_NAME_LENGTH} characters.",
    "description": f"A description has at most {limits.DESCRIPTION_LENGTH} characters.",
    "reason": f"A reason has at most {limits.REASON_LENGTH} characters.",
    "max_uses": f"A link is for 1 to {limits.INVITE_USES} uses.",
}
"""What a person may type wrongly; anything else is a fault of the program."""


def require_well_formed(command: Command) -> None:
    """Raises BadInput, which names the field and its rule."""
    fields: Any = msgspec.to_builtins(command)
    for value in fields.values():
        if isinstance(value, str):
            require_text(value)
    try:
        msgspec.convert(fields, type(command))
    except msgspec.ValidationError as error:
        raise BadInput(_in_words(error)) from None


def require_text(text: str) -> None:
    """Raises BadInput for half a character (a lone surrogate), which no bytes can stand for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput("There is half a character in it, which is no text.") from None


def _in_words(error: msgspec.ValidationError) -> str:
    found = re.search(r"`\$\.(\w+)`$", str(error))
    return _RULES.get(found[1], str(error)) if found else str(error)
