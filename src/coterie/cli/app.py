"""Every verb, in the order of the help."""

from typing import Annotated, Any

import typer

from coterie.cli import (
    admin,
    audit,
    avatar,
    backup,
    ban,
    block,
    database,
    delete,
    doctor,
    download,
    draft,
    edit,
    group,
    invite,
    join,
    kick,
    leave,
    login,
    members,
    mute,
    people,
    pin,
    privacy,
    react,
    read,
    recovery,
    requests,
    restored,
    resume,
    role,
    search,
    send,
    serve,
    signup,
    transfer,
    trust,
    tui,
    unread,
    verify,
    whoami,
)
from coterie.cli.verb import Verb, reflowed

_HELP = """Group chat on your own server, encrypted from end to end.

With --json, after everything else, a verb answers in JSON: one document, or one per line where it
streams. What went wrong is said on stderr, with --json as {"code": …, "message": …}.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage. The profile (account, keys, messages) lives
in COTERIE_HOME, by default in the platform's place for it.
"""

_PANELS: dict[str, list[Any]] = {
    "Account": [signup.signup, login.login, login.logout, whoami.whoami],
    "Talk": [
        tui.tui,
        send.send,
        read.read,
        search.search,
        unread.unread,
        mute.mute,
        mute.unmute,
        mute.mutes,
        draft.draft,
        draft.drafts,
        edit.edit,
        delete.delete,
        react.react,
        react.unreact,
        pin.pin,
        pin.unpin,
        pin.pins,
        download.download,
    ],
    "Groups": [join.join, leave.leave, members.members],
    "Moderate": [
        role.role,
        transfer.transfer,
        kick.kick,
        ban.ban,
        ban.unban,
        ban.bans,
        audit.audit,
    ],
    "People": [
        people.people,
        requests.requests,
        requests.accept,
        requests.decline,
        block.block,
        block.unblock,
        block.blocks,
        privacy.privacy,
        verify.verify,
        trust.trust,
        resume.resume,
        restored.restored,
    ],
    "Server": [serve.serve, doctor.doctor],
}

_NOUNS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "group": ("Groups", "Make, show and change groups.", group.VERBS),
    "invite": ("Groups", "Invite links: make, list, revoke.", invite.VERBS),
    "avatar": ("Talk", "Pictures of people and groups.", avatar.VERBS),
    "recovery": ("Account", "The recovery code.", recovery.VERBS),
    "admin": ("Server", "Look after a server's accounts and storage.", admin.VERBS),
    "backup": ("Server", "Back a server up, and restore it.", backup.VERBS),
    "database": ("Server", "The server's database.", database.VERBS),
}


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"coterie {version('coterie')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_print_version, help="Print the version and exit."
    ),
]


def command() -> Any:
    """The command tree, ready to be run."""
    app = _new_app(_HELP)
    app.callback()(_program)
    for panel, verbs in _PANELS.items():
        for verb in verbs:
            app.command(cls=Verb, rich_help_panel=panel)(verb)
    for noun, (panel, help_text, verbs) in _NOUNS.items():
        app.add_typer(_noun(help_text, verbs), name=noun, rich_help_panel=panel)
    return typer.main.get_command(app)


def _program(version: Version = False) -> None:
    pass


def _noun(help_text: str, verbs: dict[str, Any]) -> typer.Typer:
    app = _new_app(help_text)
    for name, verb in verbs.items():
        app.command(name, cls=Verb)(verb)
    return app


def _new_app(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=reflowed(help_text),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
