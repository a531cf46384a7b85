"""`coterie admin …`: what an operator does on the server's machine"""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from coterie.cli.administering import Data, Database, carry_out, sized
from coterie.cli.arguments import Json, Username
from coterie.cli.durations import parse_duration
from coterie.cli.output import console, say, table, write_json
from coterie.cli.passwords import ask_password
from coterie.cli.profile import server_folder
from coterie.protocol import limits

if TYPE_CHECKING:
    from coterie.server.administration.accounts import Invite

Limit = Annotated[
    int,
    typer.Option("--limit", metavar="N", min=1, max=limits.PAGE_ROWS, help="How many to list."),
]
AfterName = Annotated[
    str, typer.Option("--after", metavar="USERNAME", help="Only those after this name.")
]
AfterId = Annotated[
    UUID | None, typer.Option("--after", metavar="ID", help="Only those after this id.")
]
Generate = Annotated[
    bool, typer.Option("--generate", help="Draw a password and print it, in place of asking.")
]
Expires = Annotated[
    timedelta | None,
    typer.Option(
        "--expires",
        metavar="DURATION",
        parser=parse_duration,
        help="How long it works: 12h, 7d. Default: until it is used up or revoked.",
    ),
]
Uses = Annotated[
    int,
    typer.Option(
        "--uses", metavar="N", min=1, max=limits.INVITE_USES, help="How many accounts it lets in."
    ),
]
InviteId = Annotated[UUID, typer.Argument(metavar="ID", help="As admin invites shows it.")]


def accounts(
    data: Data = None,
    database: Database = None,
    limit: Limit = limits.DEFAULT_PAGE_ROWS,
    after: AfterName = "",
    as_json: Json = False,
) -> None:
    """List the accounts of a server, by name, a page at a time.

    \b
    coterie admin accounts --data /srv/coterie --after mira
    """
    from coterie.server.administration import accounts as administration

    page = carry_out(administration.list_accounts(_folder(data), database, after, limit))
    rows = [
        (
            one.username,
            _day(one.created_at),
            one.devices,
            one.sessions,
            sized(one.file_bytes),
            f"locked {_day(one.locked_at)}" if one.locked_at else "",
        )
        for one in page.accounts
    ]
    columns = ["Username", "Since", "Devices", "Sessions", "Files", ""]
    last = page.accounts[-1].username if page.more else None
    _say_page(as_json, page, table(columns, rows, "There is no account."), "accounts", last)


def lock(
    username: Username, data: Data = None, database: Database = None, as_json: Json = False
) -> None:
    """Keep somebody out of the server: their sessions end at once, and no log-in succeeds.

    They stay in their groups until those remove them, and keep the keys and messages that are on
    their devices: an operator has no say in either.

    \b
    coterie admin lock mallory --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    carry_out(administration.set_locked(_folder(data), database, username, locked=True))
    say(
        as_json,
        {"username": username, "locked": True},
        f"{username} is locked out. They stay in their groups until those remove them.",
    )


def unlock(
    username: Username, data: Data = None, database: Database = None, as_json: Json = False
) -> None:
    """Let somebody log in again.

    \b
    coterie admin unlock mallory --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    carry_out(administration.set_locked(_folder(data), database, username, locked=False))
    say(as_json, {"username": username, "locked": False}, f"{username} may log in again.")


def reset_login(
    username: Username,
    data: Data = None,
    database: Database = None,
    generate: Generate = False,
    as_json: Json = False,
) -> None:
    """Give somebody a new password, and end their sessions.

    Asks for it, or takes it from COTERIE_PASSWORD; --generate draws one and prints it. A password
    opens sessions and nothing else. It gives back no keys, no messages and no device: who has lost
    all devices needs the recovery code, which no operator can replace.

    \b
    coterie admin reset-login ana --generate --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    password = secrets.token_urlsafe(12) if generate else ask_password(twice=True)
    carry_out(administration.reset_login(_folder(data), database, username, password))
    document = {"username": username, "password": password if generate else None}
    shown = f" It is: {password}" if generate else ""
    say(
        as_json,
        document,
        f"{username} has a new password, and logs in with it on a device they still have (coterie"
        f" login).{shown}\nIt opens no keys: a lost device comes back only by its owner's recovery"
        " code.",
    )


def invite(
    data: Data = None,
    database: Database = None,
    expires: Expires = None,
    uses: Uses = 1,
    as_json: Json = False,
) -> None:
    """Make a registration code that lets one person make an account, or as many as you say.

    For servers with --registration invite. The code is shown once. It lets nobody into a group.

    \b
    coterie admin invite --expires 7d --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    made = carry_out(administration.create_invite(_folder(data), database, expires, uses))
    say(as_json, {"id": made.id, "code": made.code}, made.code)


def invites(
    data: Data = None,
    database: Database = None,
    limit: Limit = limits.DEFAULT_PAGE_ROWS,
    after: AfterId = None,
    as_json: Json = False,
) -> None:
    """List the registration codes that were made, a page at a time. The codes are not kept.

    \b
    coterie admin invites --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    page = carry_out(administration.list_invites(_folder(data), database, after, limit))
    rows = [
        (one.id, f"{one.uses} of {one.max_uses}", _day(one.created_at), _end(one))
        for one in page.invites
    ]
    columns = ["Id", "Uses", "Made", "Ends"]
    last = page.invites[-1].id if page.more else None
    _say_page(as_json, page, table(columns, rows, "There is no invitation."), "invites", last)


def revoke(
    invite_id: InviteId, data: Data = None, database: Database = None, as_json: Json = False
) -> None:
    """Close a registration code. Accounts made by it stay.

    \b
    coterie admin revoke 0b5e2c1e-5b0f-4c8e-9a55-6a2c3e1d7f10 --data /srv/coterie
    """
    from coterie.server.administration import accounts as administration

    carry_out(administration.revoke_invite(_folder(data), database, invite_id))
    say(as_json, {"id": invite_id}, "The code is closed.")


def storage(data: Data = None, database: Database = None, as_json: Json = False) -> None:
    """Report how much room a server takes, and what takes it.

    \b
    coterie admin storage --data /srv/coterie
    """
    from coterie.server.administration.storage import report_storage

    report = carry_out(report_storage(_folder(data), database))
    rows = [
        ("accounts", report.accounts),
        ("files", f"{report.files}, {sized(report.file_bytes)}"),
        ("  in no message yet", sized(report.unattached_bytes)),
        ("  on the disk", sized(report.disk_bytes)),
        *([("  in the bucket", sized(report.bucket_bytes))] if report.bucket_bytes else []),
        ("database", sized(report.database_bytes)),
        *((f"  {one.name}", sized(one.size_bytes)) for one in report.tables),
        ("free", sized(report.free_bytes)),
    ]
    say(as_json, report, "\n".join(f"{name:<24}{value}" for name, value in rows))


def _say_page(as_json: bool, page: object, shown: Any, verb: str, last: object) -> None:
    if as_json:
        write_json(page)
        return
    console().print(shown, soft_wrap=True)
    if last is not None:
        typer.echo(f"There are more: coterie admin {verb} --after {last}")


def _folder(data: Path | None) -> Path:
    return data or server_folder()


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d}" if moment else ""


def _end(invite: "Invite") -> str:
    if invite.ended:
        return "has ended"
    return f"{invite.expires_at.astimezone():%Y-%m-%d %H:%M}" if invite.expires_at else "never"


VERBS: dict[str, Any] = {
    "accounts": accounts,
    "lock": lock,
    "unlock": unlock,
    "reset-login": reset_login,
    "invite": invite,
    "invites": invites,
    "revoke": revoke,
    "storage": storage,
}
