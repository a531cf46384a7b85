"""What is done to groups and their members."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from coterie.sdk.views import Conversation, Member
from coterie.tui.screens.confirm import Confirm
from coterie.tui.screens.link import Link
from coterie.tui.screens.picker import Choice, Picker
from coterie.tui.screens.prompt import Prompt

if TYPE_CHECKING:
    from coterie.tui.screens.chat import Chat


class _Terms(NamedTuple):
    """For how long a link works, and for how many."""

    expires_in: timedelta | None
    max_uses: int | None


_TERMS: Final = {
    "For a week": _Terms(timedelta(days=7), None),
    "For a day": _Terms(timedelta(days=1), None),
    "For a week, one person": _Terms(timedelta(days=7), 1),
    "Until it is revoked": _Terms(None, None),
}


async def create(chat: "Chat") -> None:
    name = await chat.ask(Prompt("New group", "What it is called."))
    if name is not None:
        group = await chat.client.create_group(name)
        await chat.open_new(str(group.group_id))


async def join(chat: "Chat") -> None:
    link = await chat.ask(Prompt("Join a group", "Paste the invite link."))
    if link is not None:
        group = await chat.client.join(link)
        await chat.open_new(str(group.group_id))


async def invite(chat: "Chat", group: str) -> None:
    choices = [Choice(label, terms, label) for label, terms in _TERMS.items()]
    terms = await chat.ask(Picker("An invite link that works…", choices))
    if terms is not None:
        made = await chat.client.create_invite(
            group, expires_in=terms.expires_in, max_uses=terms.max_uses
        )
        await chat.ask(Link(str(made.link)))


async def leave(chat: "Chat", group: Conversation) -> None:
    question = Confirm(
        f"Leave {group.title}?", "You read nothing more, and need a new link to return.", "Leave"
    )
    if await chat.ask(question):
        await chat.client.leave(str(group.conversation_id))
        await chat.refresh_list()


async def kick(chat: "Chat", group: str, member: Member) -> None:
    question = Confirm(
        f"Remove {member.username}?", "They may come back by an invite link.", "Remove"
    )
    if await chat.ask(question):
        await chat.client.kick(group, member.username)
        await chat.refresh_members()


async def ban(chat: "Chat", group: str, member: Member) -> None:
    question = Confirm(
        f"Ban {member.username}?",
        "They cannot come back. Every open invite link of the group ends.",
        "Ban",
    )
    if await chat.ask(question):
        await chat.client.ban(group, member.username)
        await chat.refresh_members()
