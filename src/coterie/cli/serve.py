"""`coterie serve`"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coterie.cli.arguments import Json
from coterie.cli.failures import Failed
from coterie.cli.output import write_json
from coterie.cli.profile import server_folder
from coterie.protocol import limits

if TYPE_CHECKING:
    from coterie.server.app import Ready


class Registration(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Where everything is kept. Default: the platform's place."
    ),
]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes any free one.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="DATABASE_URL",
        help="A PostgreSQL (15 or later) of your own, in place of the one inside.",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="The https address people reach it by."),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen beyond this machine without https.")
]
Watch = Annotated[
    str | None,
    typer.Option(
        "--watch",
        metavar="HOST:PORT",
        help="Answer /readyz and /metrics there too, to everybody who reaches it.",
    ),
]
Blobs = Annotated[
    str | None,
    typer.Option(
        "--blobs",
        metavar="s3://BUCKET/PREFIX",
        help="Keep files in a bucket, from the first start on; its keys are in the environment.",
    ),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        metavar="ADDRESS|CIDR",
        help="Believe X-Forwarded-For of this proxy; may be given again. Default: with --public-url"
        " a proxy on this machine, else nobody.",
    ),
]
Logs = Annotated[LogFormat, typer.Option("--logs", help="The form of the log, on stderr.")]
RegistrationOption = Annotated[
    Registration, typer.Option("--registration", help="Who may make an account.")
]

EntriesPerSecond = Annotated[
    int,
    typer.Option(
        "--entries-per-second",
        metavar="N",
        min=1,
        help="What one account may write in the long run: messages, edits, deletions, reactions.",
    ),
]


def serve(
    data: Data = None,
    host: Host = "127.0.0.1",
    port: Port = 8440,
    database: Database = None,
    public_url: PublicUrl = None,
    registration: RegistrationOption = Registration.OPEN,
    insecure: Insecure = False,
    entries_per_second: EntriesPerSecond = limits.ENTRIES_PER_SECOND,
    watch: Watch = None,
    blobs: Blobs = None,
    trusted_proxies: TrustedProxies = None,
    logs: Logs = LogFormat.TEXT,
    as_json: Json = False,
) -> None:
    """Run the server, with a PostgreSQL inside.

    It stays in the foreground until it is interrupted. Prints "Coterie is ready at URL" when it
    takes requests, with --json a document with url and registration_code.

    \b
    coterie serve
    coterie serve --host 0.0.0.0 --public-url https://chat.example.org --data /srv/coterie
    """
    from coterie.server.app import CannotServe, run, tell
    from coterie.server.config import Config, ConfigRefused
    from coterie.server.operations.entrance import Registration as Policy

    try:
        config = Config(
            data=data or server_folder(),
            host=host,
            port=port,
            database=database,
            public_url=public_url,
            registration=Policy(registration),
            insecure=insecure,
            entries_per_second=entries_per_second,
            watch=watch,
            blobs=blobs,
            trusted_proxies=tuple(trusted_proxies or ()),
        )
        run(config, tell_json if as_json else tell, logs_in_json=logs is LogFormat.JSON)
    except ConfigRefused as refusal:
        raise Failed("config_refused", str(refusal)) from None
    except CannotServe as reason:
        raise Failed("cannot_serve", str(reason)) from None


def tell_json(ready: "Ready") -> None:
    write_json(ready._asdict())
