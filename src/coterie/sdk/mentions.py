"""Whom a message names: `@name` in its text, told to those who can read it and to nobody else.

The sender says whom a name means, by user id: the readers need not know anybody by the same name.
A name that means no member is text like any other.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

from coterie.protocol.limits import MENTIONS_PER_MESSAGE
from coterie.protocol.roles import MENTIONS_EVERYONE
from coterie.sdk.content import Body
from coterie.sdk.errors import BadInput
from coterie.sdk.log import Log
from coterie.sdk.people import seated
from coterie.sdk.vault.accounts import get_account
from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.epochs import get_seat
from coterie.sdk.vault.pins import get_pin_by_name
from coterie.sdk.vault.records import MessageRecord, Principal, SeatRecord

EVERYONE: Final = "everyone"
_NAME: Final = re.compile(r"(?<![\w@./-])@([a-z0-9][a-z0-9._-]*+)(?!\w)")
_PUNCTUATION: Final = "._-"


class Named(NamedTuple):
    user_ids: tuple[UUID, ...]
    everyone: bool


def has_names(text: str | None) -> bool:
    return bool(text and _NAME.search(text))


def named_in(log: Log, text: str | None) -> Named:
    """Whom the sender of `text` names. Raises BadInput when it names too many."""
    if not has_names(text):
        return Named((), False)
    tokens = dict.fromkeys(_NAME.findall(text or ""))
    members = seated(log.tx, log.conversation_id)
    found = dict.fromkeys(one for token in tokens for one in _meant(log.tx, token, members))
    if len(found) > MENTIONS_PER_MESSAGE:
        raise BadInput(f"A message mentions at most {MENTIONS_PER_MESSAGE} people by name.")
    own = get_seat(log.tx, log.conversation_id, log.account.device_id)
    loud = any(EVERYONE in _readings(token) for token in tokens)
    return Named(tuple(found), loud and own is not None and _may_call(own))


def mentions_of(log: Log, seat: SeatRecord, body: Body) -> tuple[tuple[Principal, ...], bool]:
    """Whom a message by `seat` mentions, of those who are in the conversation; and whether all."""
    everyone = body.everyone and _may_call(seat)
    if not body.mentions:
        return (), everyone
    members = {who.user_id: who for who in seated(log.tx, log.conversation_id)}
    named = dict.fromkeys(body.mentions)
    return tuple(members[one] for one in named if one in members), everyone


def is_mentioned(tx: Transaction, message: MessageRecord) -> bool:
    """Whether somebody else's message mentions this person."""
    if not message.everyone and not message.mentions:
        return False
    account = get_account(tx)
    if account is None or message.sender_id == account.user_id:
        return False
    own = Principal(account.user_id, account.identity_key)
    return message.everyone or own in message.mentions


def _may_call(seat: SeatRecord) -> bool:
    return seat.rank >= MENTIONS_EVERYONE


def _meant(tx: Transaction, token: str, members: set[Principal]) -> Iterator[UUID]:
    """The pinned member whom a word behind @ means, if it means one."""
    for name in _readings(token):
        pin = get_pin_by_name(tx, name)
        if pin is not None and pin.principal in members:
            yield pin.principal.user_id
            return


def _readings(token: str) -> Iterator[str]:
    """A name may end with a dot, and so may a sentence: the longest that is a name counts."""
    yield token
    while token[-1] in _PUNCTUATION:
        token = token[:-1]
        yield token
