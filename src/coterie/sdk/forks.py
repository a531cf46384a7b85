"""Forks: somebody was shown another history of a conversation than this device, or says so.

Which of the two it is, the server or that person's client, no program can tell: sending stops, and
a human looks. Who has looked may accept what one person says and go on; it stays on record.
"""

from contextlib import suppress

from coterie.protocol.errors import Refused
from coterie.sdk.conversations import find
from coterie.sdk.errors import Forked, NotFoundHere
from coterie.sdk.people import name_of, target_of
from coterie.sdk.pins import learn_names
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.chains import get_link
from coterie.sdk.vault.conversations import get_conversation, put_conversation
from coterie.sdk.vault.records import ConversationRecord, HeadRecord
from coterie.sdk.views import Fork


async def require_unforked(profile: Profile, record: ConversationRecord) -> None:
    """Raises Forked, which names the person, or gives their id where the server hides the name."""
    if not record.forks:
        return
    if record.peer_id is None:
        with suppress(Refused):
            await learn_names(profile, record.conversation_id)
    await profile.vault.read(lambda tx: require_none(tx, record))


def require_none(tx: Transaction, record: ConversationRecord) -> None:
    """Raises Forked."""
    for head in record.forks:
        raise Forked(target_of(tx, record), name_of(tx, head.told_by), head.seq)


async def accept_fork(profile: Profile, target: str, username: str) -> None:
    """Go on in spite of what somebody says of the history: a human has looked.

    The same said again stops nothing; something else does. Raises NotFoundHere.
    """
    conversation_id = await find(profile, target)
    name = username.removeprefix("@")

    def work(tx: Transaction) -> None:
        record = get_conversation(tx, conversation_id)
        assert record is not None, "it was found a moment ago"  # noqa: S101
        told = [head for head in record.forks if name_of(tx, head.told_by) == name]
        if not told:
            raise NotFoundHere(f"{name} has told of no different history here.")
        record.forks = tuple(head for head in record.forks if head not in told)
        record.accepted_forks += tuple(told)
        put_conversation(tx, record)

    await profile.vault.write(work)


def list_forks(tx: Transaction, record: ConversationRecord) -> tuple[Fork, ...]:
    """Those not accepted first."""

    def view(head: HeadRecord, accepted: bool) -> Fork:
        return Fork(
            seq=head.seq,
            told_by=name_of(tx, head.told_by),
            claimed=head.chain,
            seen=get_link(tx, record.conversation_id, head.seq),
            accepted=accepted,
        )

    waiting = [view(head, accepted=False) for head in record.forks]
    return (*waiting, *(view(head, accepted=True) for head in record.accepted_forks))
