"""Direct conversations that strangers opened: listed apart until they are accepted or declined.

To write back is to accept. Until then nothing is counted as unread and no position is told to the
server; what was written can be read.
"""

from coterie.protocol.limits import UNREAD_COUNTED
from coterie.sdk import blocks
from coterie.sdk.consent import is_request
from coterie.sdk.errors import NotFoundHere
from coterie.sdk.people import is_other, name_of, peer_of
from coterie.sdk.pins import find_person
from coterie.sdk.profile import Profile
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import get_direct, list_conversations, put_conversation
from coterie.sdk.vault.messages import list_messages_after
from coterie.sdk.vault.records import Consent, ConversationRecord, Principal
from coterie.sdk.views import Request


async def list_requests(profile: Profile) -> list[Request]:
    """As of the last `sync`, by name."""

    def work(tx: Transaction) -> list[Request]:
        waiting = [record for record in list_conversations(tx) if is_request(tx, record)]
        return [_view(tx, record, peer) for record in waiting if (peer := peer_of(tx, record))]

    return sorted(await profile.vault.read(work), key=lambda one: one.username)


async def accept(profile: Profile, username: str) -> None:
    """Also what was declined before. Raises NotFoundHere, Refused."""
    if await _consent_to(profile, username) is Consent.DECLINED:
        await blocks.unblock(profile, username)
    await _answer(profile, username, Consent.GIVEN)


async def decline(profile: Profile, username: str) -> None:
    """They may write no more, and nothing of it is listed. Raises NotFoundHere, Refused."""
    await _consent_to(profile, username)
    await blocks.block(profile, username)
    await _answer(profile, username, Consent.DECLINED)


async def unblock(profile: Profile, username: str) -> None:
    """They may write again; what was declined waits for another answer."""
    await blocks.unblock(profile, username)
    peer = await find_person(profile, username)

    def work(tx: Transaction) -> None:
        record = get_direct(tx, peer)
        if record is not None and record.consent is Consent.DECLINED:
            record.consent = Consent.ASKED
            put_conversation(tx, record)

    await profile.vault.write(work)


async def _consent_to(profile: Profile, username: str) -> Consent:
    """Raises NotFoundHere where there is nothing to answer."""
    peer = await find_person(profile, username)
    return (await profile.vault.read(lambda tx: _unanswered(tx, peer, username))).consent


async def _answer(profile: Profile, username: str, consent: Consent) -> None:
    peer = await find_person(profile, username)

    def work(tx: Transaction) -> None:
        record = _unanswered(tx, peer, username)
        record.consent = consent
        put_conversation(tx, record)

    await profile.vault.write(work)


def _unanswered(tx: Transaction, peer: Principal, username: str) -> ConversationRecord:
    record = get_direct(tx, peer)
    if record is None or record.consent is Consent.GIVEN:
        raise NotFoundHere(f"There is no request of {username.removeprefix('@')}.")
    return record


def _view(tx: Transaction, record: ConversationRecord, peer: Principal) -> Request:
    written = list_messages_after(tx, record.conversation_id, 0, UNREAD_COUNTED)
    return Request(
        user_id=peer.user_id,
        username=name_of(tx, peer),
        messages=sum(one.deleted_at is None for one in written),
        other_identity=is_other(tx, peer),
    )
