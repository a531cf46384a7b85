"""What a person has written and nobody has confirmed yet."""

from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Final

from coterie.sdk.views import Unconfirmed

_NUMBERS: Final = count(1)


class Fate(Enum):
    """What has become of a draft."""

    SENDING = "sending…"
    SENT = "sent"
    FAILED = "not sent"
    UNCONFIRMED = "not confirmed; it is sent again when the server answers, to be there once"


@dataclass
class Draft:
    """A message on its way to `target`. `detail`: how far its files are, or why it failed."""

    target: str
    text: str
    reply_to: int | None = None
    files: tuple[Path, ...] = ()
    fate: Fate = Fate.SENDING
    detail: str = ""
    message_id: int | None = None

    def __post_init__(self) -> None:
        self.key = -next(_NUMBERS)

    @property
    def file_names(self) -> tuple[str, ...]:
        return tuple(path.name for path in self.files)


def unconfirmed_draft(target: str, found: Unconfirmed) -> Draft:
    """One that stands in the device's store."""
    files = tuple(Path(name) for name in found.file_names)
    return Draft(target, found.text, files=files, fate=Fate.UNCONFIRMED)


class Drafts:
    """All of them, each until its message is seen or a person drops it."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []

    def add(self, draft: Draft) -> None:
        self._drafts.append(draft)

    def drop(self, draft: Draft) -> None:
        self._drafts = [one for one in self._drafts if one is not draft]

    def drop_seen(self, message_ids: Container[int]) -> None:
        self._drafts = [
            one
            for one in self._drafts
            if one.message_id is None or one.message_id not in message_ids
        ]

    def of(self, target: str) -> list[Draft]:
        return [one for one in self._drafts if one.target == target]
