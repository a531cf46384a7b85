"""`coterie signup`"""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Json, without_at
from coterie.cli.output import say
from coterie.cli.passwords import ask_password
from coterie.cli.profile import ask, pass_on_warnings, profile_folder
from coterie.cli.recovery import practise

if TYPE_CHECKING:
    from coterie.sdk.recovery import RecoveryCode

Name = Annotated[
    str,
    typer.Argument(metavar="USERNAME", help="The name others find you by.", callback=without_at),
]
Server = Annotated[str, typer.Option("--server", metavar="URL", help="The server's address.")]
RegistrationCode = Annotated[
    str | None,
    typer.Option(
        "--registration-code",
        envvar="COTERIE_REGISTRATION_CODE",
        help="Where registration is by invitation.",
    ),
]


def signup(
    username: Name,
    server: Server,
    registration_code: RegistrationCode = None,
    as_json: Json = False,
) -> None:
    """Make an account, with this profile as its first device.

    Asks for a password, or takes it from COTERIE_PASSWORD. Shows the recovery code: the only thing
    that gives the account's keys back when this device is lost.

    \b
    coterie signup ana --server https://chat.example.org
    """
    password = ask_password(twice=True)
    account, code = asyncio.run(_sign_up(username, server, password, registration_code))
    say(as_json, {**account, "recovery_code": code.words}, _welcome(username, server, code))
    sys.stdout.flush()
    ask(lambda client: client.forget_recovery_code())  # only now: it has been shown
    if not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        practise(code)


async def _sign_up(
    username: str, server: str, password: str, registration_code: str | None
) -> tuple[dict[str, object], "RecoveryCode"]:
    from coterie.sdk.client import Client

    client, code = await Client.sign_up(
        profile_folder(), server, username, password, registration_code=registration_code
    )
    async with client:
        pass_on_warnings(client)
        return {"user_id": client.user_id, "device_id": client.device_id}, code


def _welcome(username: str, server: str, code: "RecoveryCode") -> str:
    words = code.words.split()
    rows = [words[start : start + 6] for start in range(0, len(words), 6)]
    grid = "\n".join("  " + "".join(f"{word:<10}" for word in row).rstrip() for row in rows)
    return (
        f"Welcome, {username}. Your account at {server.rstrip('/')} is made.\n\n"
        "This is your recovery code. Write it down, on paper, and keep it safe: it gives your\n"
        "keys back when this device is lost. Nobody else has it, and nobody can reset it.\n\n"
        f"{grid}\n"
    )
