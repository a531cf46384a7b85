"""What must hold after everything has healed. Each checker gives complaints, in words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from coterie.protocol.chain import next_link
from coterie.sdk.entries import Problem
from coterie.sdk.views import Message
from tests.nemesis.evidence import Evidence
from tests.nemesis.journal import Deed

LISTED = frozenset({*Problem})
"""Why a client may show a message without its text."""


def check_all(evidence: Evidence) -> list[str]:
    return [complaint for check in CHECKERS for complaint in check(evidence)]


def check_sent(evidence: Evidence) -> Iterator[str]:
    """What was acknowledged is there, once, under its number; the rest at most once."""
    for found in evidence.found:
        if not found.resident:
            continue
        ids, said = {message.message_id for message in found.messages}, _said(found.messages)
        for deed in _done(evidence, "send"):
            times = said[_name(deed.text)]
            if deed.acknowledged and (times != 1 or deed.message_id not in ids):
                yield f"{found.who} has {deed.text!r} {times} times, which was acknowledged"
            if times > 1:
                yield f"{found.who} has {deed.text!r} {times} times"


def check_edits(evidence: Evidence) -> Iterator[str]:
    """A message says what its last acknowledged edit says, or what was tried after it; to a
    visitor, who may have been away when it was edited, anything that it has ever said."""
    latest: dict[int, set[str]] = defaultdict(set)
    ever: dict[int, set[str]] = defaultdict(set)
    for deed in evidence.deeds:
        if deed.what in ("send", "edit") and deed.message_id is not None:
            if deed.acknowledged:
                latest[deed.message_id].clear()
            latest[deed.message_id].add(deed.text)
            ever[deed.message_id].add(deed.text)
    for found in evidence.found:
        allowed = latest if found.resident else ever
        for message in found.messages:
            texts = allowed.get(message.message_id)
            if texts and message.text is not None and message.text not in texts:
                yield f"{found.who} has {message.text!r} in place of one of {sorted(texts)}"


def check_reactions(evidence: Evidence) -> Iterator[str]:
    """What was acknowledged is there."""
    wanted = [deed for deed in _done(evidence, "react") if deed.acknowledged]
    for found in evidence.found:
        if not found.resident:
            continue
        seen = {
            (message.message_id, reaction.emoji, user)
            for message in found.messages
            for reaction in message.reactions
            for user in reaction.users
        }
        for deed in wanted:
            if (deed.message_id, deed.text, deed.who) not in seen:
                yield f"{found.who} misses {deed.who}'s {deed.text} upon {deed.message_id}"


def check_order(evidence: Evidence) -> Iterator[str]:
    """All have the same messages, which say the same, in one order; a visitor has the end of it."""
    residents = [found for found in evidence.found if found.resident]
    whole = [_as_all_see_it(message) for message in residents[0].messages]
    for found in evidence.found:
        seen = [_as_all_see_it(message) for message in found.messages]
        if found.resident and seen != whole:
            yield f"{found.who} has other messages, or another order, than {residents[0].who}"
        known = {message.message_id for message in found.messages}
        order = [one.message_id for one in residents[0].messages if one.message_id in known]
        if order != [message.message_id for message in found.messages]:
            yield f"{found.who} has messages in another order than {residents[0].who}"


def check_readable(evidence: Evidence) -> Iterator[str]:
    """Who was there all the time reads everything; a visitor is told why he does not."""
    for found in evidence.found:
        for message in found.messages:
            if message.problem is not None and (found.resident or message.problem not in LISTED):
                yield f"{found.who} cannot read {message.message_id}: {message.problem}"
            if message.text is None and message.problem is None and message.deleted_at is None:
                yield f"{found.who} cannot read {message.message_id}, and is not told why"


def check_chain(evidence: Evidence) -> Iterator[str]:
    """The log has no gap, each link follows from the one before, and all clients hold the last."""
    for before, entry in zip(evidence.log, evidence.log[1:], strict=False):
        if entry.seq != before.seq + 1:
            yield f"entry {entry.seq} comes after entry {before.seq}"
        elif entry.chain != next_link(before.chain, entry.seq, entry.hash):
            yield f"the chain breaks at entry {entry.seq}"
    last = evidence.log[-1]
    if (last.seq, last.chain) != (evidence.head.seq, evidence.head.chain):
        yield f"the conversation stands at {evidence.head.seq}, its log ends at {last.seq}"
    for found in evidence.found:
        if (found.seq, found.chain) != (last.seq, last.chain):
            yield f"{found.who} holds another chain at {found.seq} than the log at {last.seq}"


def check_unread(evidence: Evidence) -> Iterator[str]:
    """Each client counts what the database counts."""
    for found in evidence.found:
        if found.unread != evidence.unread.get(found.who):
            counted = evidence.unread.get(found.who)
            yield f"{found.who} counts {found.unread} unread, the database {counted}"


def check_files(evidence: Evidence) -> Iterator[str]:
    """Every row has its bytes, and all bytes have their row."""
    for name, size in evidence.stored.items():
        if evidence.blobs.get(name) != size:
            yield f"file {name} has {evidence.blobs.get(name)} of its {size} bytes"
    for name in evidence.blobs.keys() - evidence.stored.keys():
        yield f"the bytes of {name} belong to no row"


CHECKERS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    check_sent,
    check_edits,
    check_reactions,
    check_order,
    check_readable,
    check_chain,
    check_unread,
    check_files,
)


def _done(evidence: Evidence, what: str) -> list[Deed]:
    return [deed for deed in evidence.deeds if deed.what == what]


def _said(messages: list[Message]) -> Counter[str]:
    return Counter(_name(message.text) for message in messages if message.text)


def _name(text: str) -> str:
    """Who said it, and his how-manieth it was: that stays when it is edited."""
    return " ".join(text.split()[:2])


def _as_all_see_it(message: Message) -> tuple[object, ...]:
    return (
        message.message_id,
        message.seq,
        message.sender,
        message.text,
        message.reply_to_id,
        message.files,
        {reaction.emoji: set(reaction.users) for reaction in message.reactions},
    )
