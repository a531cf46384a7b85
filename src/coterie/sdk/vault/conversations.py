"""The conversations of this device: where it stands in each, and its MLS states."""

from uuid import UUID

from coterie.governance.state import GroupState
from coterie.sdk.vault.database import Transaction
from coterie.sdk.vault.records import ConversationRecord, GroupStatesRecord, Principal

_TABLE = b"conversations"
_STATES = b"group_states"


def get_conversation(tx: Transaction, conversation_id: UUID) -> ConversationRecord | None:
    row = tx.one(
        "SELECT conversation_id, sealed FROM conversations WHERE conversation_id = ?",
        conversation_id.bytes,
    )
    return None if row is None else _conversation(tx, row)


def get_direct(tx: Transaction, peer: Principal) -> ConversationRecord | None:
    """Another identity under the same user id has another conversation."""
    key = peer.user_id.bytes
    rows = tx.all("SELECT conversation_id, sealed FROM conversations WHERE peer_id = ?", key)
    found = (_conversation(tx, row) for row in rows)
    return next((one for one in found if peer.identity_key in _identities(one)), None)


def list_conversations(tx: Transaction) -> list[ConversationRecord]:
    rows = tx.all("SELECT conversation_id, sealed FROM conversations ORDER BY conversation_id")
    return [_conversation(tx, row) for row in rows]


def put_conversation(tx: Transaction, record: ConversationRecord) -> None:
    key = record.conversation_id.bytes
    tx.run(
        "INSERT OR REPLACE INTO conversations (conversation_id, peer_id, sealed) VALUES (?, ?, ?)",
        key,
        record.peer_id and record.peer_id.bytes,
        tx.close((_TABLE, key), record),
    )


def get_group_states(tx: Transaction, conversation_id: UUID) -> GroupStatesRecord | None:
    key = conversation_id.bytes
    row = tx.one("SELECT sealed FROM group_states WHERE conversation_id = ?", key)
    return None if row is None else tx.open((_STATES, key), row[0], GroupStatesRecord)


def put_group_states(tx: Transaction, conversation_id: UUID, states: GroupStatesRecord) -> None:
    """The secrets of the epoch before are gone with this."""
    key = conversation_id.bytes
    tx.run(
        "INSERT OR REPLACE INTO group_states (conversation_id, sealed) VALUES (?, ?)",
        key,
        tx.close((_STATES, key), states),
    )


def remove_group_states(tx: Transaction, conversation_id: UUID) -> None:
    tx.run("DELETE FROM group_states WHERE conversation_id = ?", conversation_id.bytes)


def _identities(record: ConversationRecord) -> tuple[bytes, ...]:
    return GroupState.decode(record.state).direct or ()


def _conversation(tx: Transaction, row: tuple[bytes, bytes]) -> ConversationRecord:
    return tx.open((_TABLE, row[0]), row[1], ConversationRecord)
