"""`coterie group create|list|show|edit|delete`"""

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coterie.cli.arguments import Group, Json
from coterie.cli.durations import parse_duration_or_off
from coterie.cli.output import one_line, plain, say, table
from coterie.cli.profile import ask
from coterie.protocol import roles

if TYPE_CHECKING:
    from coterie.sdk import views

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the group is called.")]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")
]
NewName = Annotated[str | None, typer.Option("--name", metavar="NAME", help="A new name.")]


class Who(StrEnum):
    """Who may make invite links."""

    MODERATORS = "moderators"
    MEMBERS = "members"


NewInviters = Annotated[
    Who | None,
    typer.Option(
        "--inviters",
        metavar="WHO",
        help="Who may make invite links: moderators (and above), or members. Owners only.",
    ),
]

NewSlowMode = Annotated[
    timedelta | None,
    typer.Option(
        "--slow-mode",
        metavar="DURATION",
        parser=parse_duration_or_off,
        help="How long a member below moderator waits between two messages: 30s, 5m; or off.",
    ),
]


def create(name: Name, description: Description = None, as_json: Json = False) -> None:
    """Make a group. You own it.

    \b
    coterie group create club --description "The Thursday club"
    """
    group = ask(lambda client: client.create_group(name, description))
    say(as_json, {"group_id": group.group_id}, f"{one_line(name)} is made: {group.group_id}")


def list_groups(as_json: Json = False) -> None:
    """List the groups you are in.

    \b
    coterie group list
    """
    groups = ask(lambda client: client.groups())
    rows = [(one.name, one.role, one.members, one.group_id) for one in groups]
    documents = [_document(one) for one in groups]
    say(as_json, documents, table(["Name", "Role", "Members", "Id"], rows, "You are in no group."))


def show(group: Group, as_json: Json = False) -> None:
    """Show a group.

    \b
    coterie group show club
    """
    found = ask(lambda client: client.group(group))
    say(as_json, _document(found), _card(found))


def edit(
    group: Group,
    name: NewName = None,
    description: Description = None,
    slow_mode: NewSlowMode = None,
    inviters: NewInviters = None,
    as_json: Json = False,
) -> None:
    """Change a group's name, description or settings.

    Everybody in the group is told when it changes who may invite.

    \b
    coterie group edit club --name "The Friday club" --slow-mode 30s
    """
    if (name, description, slow_mode, inviters) == (None, None, None, None):
        raise typer.BadParameter(
            "say what to change: --name, --description, --slow-mode or --inviters"
        )
    who = None if inviters is None else roles.Inviters[inviters.name]
    ask(
        lambda client: client.update_group(
            group, name=name, description=description, inviters=who, slow_mode=slow_mode
        )
    )
    say(as_json, {"done": True}, "The group is changed.")


def delete(group: Group, as_json: Json = False) -> None:
    """Delete a group of yours, for everybody.

    All its messages and files go with it. There is no undo.

    \b
    coterie group delete club
    """
    ask(lambda client: client.delete_group(group))
    say(as_json, {"done": True}, f"{group} is deleted.")


def _document(group: "views.Group") -> dict[str, Any]:
    """The group's fields, its settings by name, slow mode in seconds."""
    import msgspec

    document = msgspec.structs.asdict(group)
    seconds = int(document.pop("slow_mode").total_seconds())
    settings = {"history": group.history.name.lower(), "inviters": group.inviters.name.lower()}
    return document | settings | {"slow_mode_seconds": seconds}


def _card(group: "views.Group") -> str:
    lines = [
        one_line(group.name),
        f"  {_people(group.members)}, you are {group.role}",
        f"  since {group.created_at:%-d %B %Y}, {group.group_id}",
    ]
    if group.description:
        lines.insert(1, f"  {plain(group.description)}")
    lines += _settings(group)
    lines += map(_fork, group.forks)
    lines += map(_removal, group.removed_by_server)
    return "\n".join(lines)


def _settings(group: "views.Group") -> list[str]:
    everybody = group.inviters is roles.Inviters.MEMBERS
    lines = [f"  invite links by {'all members' if everybody else 'moderators and above'}"]
    if group.slow_mode:
        lines.append(f"  slow mode: {group.slow_mode} between messages")
    return lines


def _fork(fork: "views.Fork") -> str:
    state = "accepted" if fork.accepted else "sending has stopped"
    return f"  {one_line(fork.told_by)} tells of another history, up to entry {fork.seq}: {state}"


def _removal(username: str) -> str:
    return f"  {one_line(username)} or a device of theirs was removed by the server"


def _people(number: int) -> str:
    return "1 member" if number == 1 else f"{number} members"


VERBS: dict[str, Any] = {
    "create": create,
    "list": list_groups,
    "show": show,
    "edit": edit,
    "delete": delete,
}
