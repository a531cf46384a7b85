"""`coterie recovery check`, and the exercise after sign-up."""

import secrets
import sys
from typing import TYPE_CHECKING, Any

import typer

from coterie.cli.arguments import Json
from coterie.cli.output import say
from coterie.cli.profile import ask

if TYPE_CHECKING:
    from coterie.sdk.recovery import RecoveryCode


def check(as_json: Json = False) -> None:
    """Check that the recovery code you wrote down is the right one.

    Asks for the code (24 words, or its short form), or reads it from standard input. It stays on
    this device.

    \b
    coterie recovery check
    """
    typed = _read_code()
    ask(lambda client: client.check_recovery(typed))
    say(as_json, {"valid": True}, "This is your recovery code. Put it back in its safe place.")


def practise(code: "RecoveryCode") -> None:
    """Have two of the words typed back, until they are right."""
    words = code.words.split()
    numbers = sorted(secrets.SystemRandom().sample(range(len(words)), 2))
    typer.echo("To be sure that it is written down, type two of its words.")
    for number in numbers:
        while typer.prompt(f"Word {number + 1}").strip().lower() != words[number]:
            typer.echo("That is not the word. Look at your paper once more.")
    typer.echo("Right. You are ready.")


def _read_code() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Recovery code", hide_input=True, err=True))
    return sys.stdin.read()


VERBS: dict[str, Any] = {"check": check}
