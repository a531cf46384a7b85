"""What clients did, and what each of them finds in the end."""

import msgspec

from coterie.sdk.views import Message


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a client did. `acknowledged`: the server has taken it; otherwise it may have
    been done. `message_id` is missing where nobody was told it."""

    who: str
    what: str
    text: str
    acknowledged: bool
    message_id: int | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One client's view. `unread` is what it counts; `seq` and `chain` are where its log ends.
    `resident`: it was a member all the time."""

    who: str
    resident: bool
    messages: list[Message]
    unread: int
    seq: int
    chain: bytes


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What one process has to tell. `refusals`: how often which was heard."""

    deeds: list[Deed]
    refusals: dict[str, int]
