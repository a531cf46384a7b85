"""What is done to messages, and with their files."""

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_downloads_path

from coterie.sdk.reactions import catalogue
from coterie.sdk.views import FileView, Message
from coterie.tui.message_lines import summary
from coterie.tui.screens.confirm import Confirm
from coterie.tui.screens.picker import Choice, Picker
from coterie.tui.screens.prompt import PathSuggester, Prompt

if TYPE_CHECKING:
    from coterie.tui.screens.chat import Chat

TAB = "Tab completes a path."


async def react(chat: "Chat", target: str, message: Message) -> None:
    """Put a reaction there, or take one's own away."""
    emoji = catalogue().values()
    choices = [Choice(f"{one}  {_name(one)}", one, f"{one} {_name(one)}") for one in emoji]
    picked = await chat.ask(Picker("React", choices))
    if picked is None:
        return
    own = {one.emoji for one in message.reactions if chat.client.username in one.users}
    deed = chat.client.unreact if picked in own else chat.client.react
    await deed(target, message.message_id, picked)


async def delete(chat: "Chat", target: str, message: Message) -> None:
    question = Confirm("Delete this message?", summary(message)[:200], "Delete")
    if await chat.ask(question):
        await chat.client.delete(target, message.message_id)


async def save_file(chat: "Chat", target: str, message: Message) -> None:
    file = await _picked(chat, message)
    if file is None:
        return
    folder = f"{user_downloads_path()}/"
    prompt = Prompt(f"Save {file.name}", TAB, value=folder, suggester=PathSuggester())
    chosen = await chat.ask(prompt)
    if chosen is not None:
        path = await chat.client.download(target, file.file_id, path_of(chosen), chat.show_transfer)
        chat.show_transfer("", 0, 0)
        chat.notices.tell(f"Saved as {path}")


async def attach(chat: "Chat") -> Path | None:
    prompt = Prompt("Attach a file", TAB, suggester=PathSuggester())
    chosen = await chat.ask(prompt)
    return None if chosen is None else path_of(chosen)


async def _picked(chat: "Chat", message: Message) -> FileView | None:
    if len(message.files) == 1:
        return message.files[0]
    choices = [Choice(one.name, one, one.name) for one in message.files]
    return await chat.ask(Picker("Which file?", choices))


def path_of(typed: str) -> Path:
    return Path(typed).expanduser()


def _name(emoji: str) -> str:
    return unicodedata.name(emoji[0], "").lower()
