"""Searching what this device has read. Nothing of a search leaves the device.

The sealed records are opened and compared one after the other, the newest first: no index lies on
the disk that would tell what was talked about.
"""

import re
import unicodedata
from typing import Final
from uuid import UUID

from coterie.protocol.errors import Refused
from coterie.sdk.conversations import find, sync_all, title_of
from coterie.sdk.errors import BadInput, ServerUnreachable
from coterie.sdk.profile import Profile
from coterie.sdk.timeline import view
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_conversation
from coterie.sdk.vault.messages import list_messages_of_all
from coterie.sdk.vault.records import MessageRecord
from coterie.sdk.views import Found

PAGE: Final = 500
"""Records looked at in one transaction, so that other processes need not wait for the whole."""
END: Final = 2**63 - 1
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words: there a word may begin anywhere."""
_AT_A_WORD: Final = rf"(?<![^\W{_UNSPACED}])"
_STROKES: Final = str.maketrans("łøđıħŧ", "lodiht")
"""Letters whose stroke Unicode does not take apart."""


def fold(text: str) -> str:
    """Without case, accents, and the difference between forms of one character."""
    if text.isascii():
        return text.lower()  # the same, a hundred times as fast
    plain = unicodedata.normalize("NFKD", text).casefold()  # some have a case only when plain
    apart = unicodedata.normalize("NFKD", plain)
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", bare).translate(_STROKES)


class Query:
    """Words which all have to be there, in any order; each may be the beginning of one."""

    def __init__(self, text: str) -> None:
        """Raises BadInput."""
        words = fold(text).split()
        if not words:
            raise BadInput("There is nothing to search for.")
        self._patterns = [re.compile(_pattern(word)) for word in words]

    def matches(self, message: MessageRecord) -> bool:
        """By the text, or the names of the files."""
        names = [file.name for file in message.files]
        text = fold("\n".join([message.text or "", *names]))
        return all(pattern.search(text) for pattern in self._patterns)


def _pattern(word: str) -> str:
    inside = re.match(rf"[\W{_UNSPACED}]", word)
    return re.escape(word) if inside else _AT_A_WORD + re.escape(word)


async def search(
    profile: Profile,
    text: str,
    target: str | None,
    limit: int,
    before: int | None,
    page: int = PAGE,
) -> list[Found]:
    """The newest `limit` messages that match, or those older than the message `before`.

    The newest first. Raises BadInput, NotFoundHere.
    """
    query = Query(text)
    await _caught_up(profile)
    within = None if target is None else await find(profile, target)
    found: list[Found] = []
    place = END if before is None else before
    while place and len(found) < limit:
        records = await profile.vault.read(
            lambda tx, place=place: list_messages_of_all(tx, within, place, page)
        )
        matching = [one for one in records if query.matches(one[1])]
        found += await profile.vault.read(lambda tx, these=matching: _views(tx, these))
        place = records[-1][1].message_id if len(records) == page else 0
    return found[:limit]


async def _caught_up(profile: Profile) -> None:
    try:
        await sync_all(profile)
    except (ServerUnreachable, Refused) as error:
        profile.warn(f"{error} This is what the device has.")


def _views(tx: Transaction, records: list[tuple[UUID, MessageRecord]]) -> list[Found]:
    return [_view(tx, conversation_id, record) for conversation_id, record in records]


def _view(tx: Transaction, conversation_id: UUID, record: MessageRecord) -> Found:
    conversation = get_conversation(tx, conversation_id)
    assert conversation is not None, "it holds the message"  # noqa: S101
    return Found(
        conversation_id=conversation_id,
        conversation=title_of(tx, conversation),
        message=view(tx, conversation_id, record),
    )
