"""Whether a person has agreed to be written to: somebody they never wrote to, and share no group
with, only asks. Nobody but this device knows."""

from coterie.sdk.people import peer_of, seated
from coterie.sdk.vault import Transaction
from coterie.sdk.vault.conversations import list_conversations
from coterie.sdk.vault.records import Consent, ConversationRecord, Principal, Standing


def is_request(tx: Transaction, record: ConversationRecord) -> bool:
    """Whether it waits for an answer. A group in common is as good as one."""
    if record.consent is not Consent.ASKED:
        return False
    peer = peer_of(tx, record)
    return peer is not None and not _share_a_group(tx, peer)


def is_agreed(tx: Transaction, record: ConversationRecord) -> bool:
    """Whether it belongs among the conversations of this person."""
    return record.consent is not Consent.DECLINED and not is_request(tx, record)


def _share_a_group(tx: Transaction, peer: Principal) -> bool:
    return any(
        record.peer_id is None
        and record.listed
        and record.standing is Standing.MEMBER
        and peer in seated(tx, record.conversation_id)
        for record in list_conversations(tx)
    )
