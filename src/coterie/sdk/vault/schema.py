"""The tables of the device store. Every `sealed` is `nonce 24 ‖ XChaCha20-Poly1305` of a record.

The other columns are what records are looked up by: ids, numbers and hashes that the server knows
too, and keyed tags in place of names.
"""

from typing import Final, LiteralString

SCHEMA_VERSION: Final = 3
_DEVICE_LISTS: Final = """CREATE TABLE device_lists (identity_key BLOB PRIMARY KEY,
       revokes INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID"""
_LOST_MESSAGES: Final = """CREATE TABLE lost_messages (conversation_id BLOB, message_id INTEGER,
       after_seq INTEGER NOT NULL, sealed BLOB NOT NULL,
       PRIMARY KEY (conversation_id, message_id)) WITHOUT ROWID"""
_AVATARS: Final = """CREATE TABLE avatars (conversation_id BLOB, identity_key BLOB,
       seq INTEGER NOT NULL, PRIMARY KEY (conversation_id, identity_key)) WITHOUT ROWID"""
_PRIVACY: Final = "CREATE TABLE privacy (sealed BLOB NOT NULL)"
SCHEMA: Final[tuple[LiteralString, ...]] = (
    "CREATE TABLE profile (profile_id TEXT NOT NULL, sealed BLOB)",
    """CREATE TABLE pins (user_id BLOB PRIMARY KEY, name_tag BLOB NOT NULL UNIQUE,
       contested INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE key_packages (reference BLOB PRIMARY KEY, last_resort INTEGER NOT NULL,
       sealed BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE conversations (conversation_id BLOB PRIMARY KEY, peer_id BLOB,
       sealed BLOB NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX conversations_peer ON conversations (peer_id) WHERE peer_id IS NOT NULL",
    """CREATE TABLE group_states (conversation_id BLOB PRIMARY KEY, sealed BLOB NOT NULL)""",
    """CREATE TABLE epochs (conversation_id BLOB, epoch INTEGER, sealed BLOB NOT NULL,
       PRIMARY KEY (conversation_id, epoch)) WITHOUT ROWID""",
    """CREATE TABLE seats (conversation_id BLOB PRIMARY KEY, sealed BLOB NOT NULL)""",
    """CREATE TABLE links (conversation_id BLOB, seq INTEGER, sealed BLOB NOT NULL,
       PRIMARY KEY (conversation_id, seq)) WITHOUT ROWID""",
    """CREATE TABLE waiting_heads (conversation_id BLOB, teller_tag BLOB, seq INTEGER NOT NULL,
       sealed BLOB NOT NULL, PRIMARY KEY (conversation_id, teller_tag)) WITHOUT ROWID""",
    """CREATE TABLE messages (conversation_id BLOB, seq INTEGER, message_id INTEGER NOT NULL,
       hash BLOB NOT NULL, origin BLOB, changed_seq INTEGER NOT NULL, sealed BLOB NOT NULL,
       PRIMARY KEY (conversation_id, seq)) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX messages_id ON messages (conversation_id, message_id)",
    "CREATE INDEX messages_newest ON messages (message_id)",
    "CREATE UNIQUE INDEX messages_hash ON messages (conversation_id, hash)",
    "CREATE UNIQUE INDEX messages_origin ON messages (conversation_id, origin)",
    "CREATE INDEX messages_changed ON messages (conversation_id, changed_seq)",
    _LOST_MESSAGES,
    """CREATE TABLE attached_files (conversation_id BLOB, file_id BLOB, seq INTEGER NOT NULL,
       PRIMARY KEY (conversation_id, file_id)) WITHOUT ROWID""",
    """CREATE TABLE reactions (conversation_id BLOB, message_id INTEGER, identity_key BLOB,
       token BLOB, sealed BLOB NOT NULL,
       PRIMARY KEY (conversation_id, message_id, identity_key, token))
       WITHOUT ROWID""",
    """CREATE TABLE pending_commits (conversation_id BLOB PRIMARY KEY, sealed BLOB NOT NULL)""",
    "CREATE TABLE invites (code_tag BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE outbox (client_id BLOB PRIMARY KEY, sealed BLOB NOT NULL)",
    """CREATE TABLE evidence (hash BLOB PRIMARY KEY, conversation_id BLOB NOT NULL,
       sealed BLOB NOT NULL) WITHOUT ROWID""",
    _DEVICE_LISTS,
    _AVATARS,
    _PRIVACY,
    "PRAGMA user_version = 3",
)
UPGRADES: Final[dict[int, tuple[LiteralString, ...]]] = {
    1: (_DEVICE_LISTS, _LOST_MESSAGES, "PRAGMA user_version = 2"),
    2: (_AVATARS, _PRIVACY, "PRAGMA user_version = 3"),
}
"""From each earlier version to the next."""
