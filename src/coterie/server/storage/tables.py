"""One struct per table, column for column as `postgres/init.sql` makes them.

Each column names its PostgreSQL type and default; a test compares all of it with a live catalogue.
"""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from coterie.protocol.roles import Role


class Sql(msgspec.Struct, frozen=True):
    """A column's type, as `format_type` prints it, and its default, as `pg_get_expr` does."""

    type: str
    default: str | None = None


Bool = Annotated[bool, Sql("boolean")]
Bytes = Annotated[bytes, Sql("bytea")]
Int = Annotated[int, Sql("integer")]
BigInt = Annotated[int, Sql("bigint")]
SmallInt = Annotated[int, Sql("smallint")]
Text = Annotated[str, Sql("text")]
Time = Annotated[datetime, Sql("timestamp with time zone")]
Uuid = Annotated[UUID, Sql("uuid")]

False_ = Annotated[bool, Sql("boolean", "false")]
Now = Annotated[datetime, Sql("timestamp with time zone", "now()")]
RandomUuid = Annotated[UUID, Sql("uuid", "gen_random_uuid()")]
Serial = Annotated[int, Sql("integer", "nextval")]
True_ = Annotated[bool, Sql("boolean", "true")]
ZeroBigInt = Annotated[int, Sql("bigint", "0")]
ZeroInt = Annotated[int, Sql("integer", "0")]
ZeroSmallInt = Annotated[int, Sql("smallint", "0")]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table named `table`."""

    table: ClassVar[str]


class SchemaVersion(Row, frozen=True):
    table: ClassVar[str] = "schema_version"
    version: Int
    applied_at: Now


class Server(Row, frozen=True):
    table: ClassVar[str] = "server"
    id: True_
    server_key: Bytes


class User(Row, frozen=True):
    table: ClassVar[str] = "users"
    id: RandomUuid
    username: Annotated[str, Sql("character varying(32)")] | None
    identity_key: Bytes | None
    password_hash: Text | None
    identity_ciphertext: Bytes | None
    device_list: Bytes | None
    created_at: Now | None
    ended_at: Time | None
    locked_at: Time | None = None

    def __repr__(self) -> str:
        return f"User(id={self.id}, …)"


class RegistrationInvite(Row, frozen=True):
    table: ClassVar[str] = "registration_invites"
    id: Uuid
    code_hash: Bytes
    created_at: Now
    expires_at: Time | None
    max_uses: Int
    uses: ZeroInt


class Device(Row, frozen=True):
    table: ClassVar[str] = "devices"
    id: Uuid
    user_id: Uuid
    device_key: Bytes
    certificate: Bytes
    created_at: Now
    revoked_at: Time | None


class Session(Row, frozen=True):
    table: ClassVar[str] = "sessions"
    token_hash: Bytes
    user_id: Uuid
    device_id: Uuid
    created_at: Now
    expires_at: Time

    def __repr__(self) -> str:
        return f"Session(device_id={self.device_id}, …)"


class KeyPackage(Row, frozen=True):
    table: ClassVar[str] = "key_packages"
    reference: Bytes
    device_id: Uuid
    key_package: Bytes
    last_resort: False_
    expires_at: Time
    created_at: Now


class Block(Row, frozen=True):
    table: ClassVar[str] = "blocks"
    blocker_id: Uuid
    blocked_id: Uuid
    created_at: Now


class Group(Row, frozen=True):
    table: ClassVar[str] = "groups"
    id: RandomUuid
    name: Annotated[str, Sql("character varying(100)")]
    description: Text | None
    avatar_url: Text | None
    owner_id: Uuid
    created_at: Now | None
    updated_at: Now | None
    history: ZeroSmallInt
    inviters: ZeroSmallInt


GroupRole = Role


class GroupMember(Row, frozen=True):
    table: ClassVar[str] = "group_members"
    id: Serial
    group_id: Uuid
    user_id: Uuid
    role: Annotated[GroupRole, Sql("character varying(20)", "'member'::character varying")]
    joined_at: Now | None
    joined_seq: ZeroBigInt
    spoke_at: Time | None = None


class GroupInvite(Row, frozen=True):
    table: ClassVar[str] = "group_invites"
    id: RandomUuid
    group_id: Uuid
    code: Annotated[str, Sql("character varying(20)")]
    created_by: Uuid
    expires_at: Time | None
    max_uses: Int | None
    uses: ZeroInt | None
    created_at: Now | None
    invite_key: Bytes | None
    anchor_epoch: BigInt | None
    anchor_ciphertext: Bytes | None


class GroupBan(Row, frozen=True):
    table: ClassVar[str] = "group_bans"
    id: Serial
    group_id: Uuid
    user_id: Uuid
    banned_by: Uuid
    reason: Text | None
    banned_at: Now | None


class AuditEntry(Row, frozen=True):
    table: ClassVar[str] = "audit_entries"
    id: Serial
    group_id: Uuid
    actor_id: Uuid
    act: Annotated[str, Sql("character varying(20)")]
    target_id: Uuid | None
    message_id: Int | None
    detail: Text | None
    reason: Text | None
    created_at: Now


class Conversation(Row, frozen=True):
    table: ClassVar[str] = "conversations"
    id: Uuid
    group_id: Uuid | None
    low_id: Uuid | None
    high_id: Uuid | None
    epoch: ZeroBigInt
    seq: ZeroBigInt
    chain: Bytes
    created_at: Now
    slow_mode_seconds: ZeroInt


class ReadPosition(Row, frozen=True):
    table: ClassVar[str] = "read_positions"
    user_id: Uuid
    conversation_id: Uuid
    seq: BigInt


class PublicState(Row, frozen=True):
    table: ClassVar[str] = "public_states"
    conversation_id: Uuid
    epoch: BigInt
    state: Bytes


class Anchor(Row, frozen=True):
    table: ClassVar[str] = "anchors"
    conversation_id: Uuid
    epoch: BigInt
    group_context: Bytes
    ratchet_tree: Bytes
    confirmation_tag: Bytes


class GroupInfo(Row, frozen=True):
    table: ClassVar[str] = "group_infos"
    conversation_id: Uuid
    device_id: Uuid
    epoch: BigInt
    group_info: Bytes
    created_at: Now


class Welcome(Row, frozen=True):
    table: ClassVar[str] = "welcomes"
    conversation_id: Uuid
    device_id: Uuid
    epoch: BigInt
    seq: BigInt
    chain_before: Bytes
    welcome: Bytes
    ratchet_tree: Bytes
    created_at: Now


class Departure(Row, frozen=True):
    table: ClassVar[str] = "departures"
    conversation_id: Uuid
    user_id: Uuid
    statement: Bytes
    seq: BigInt


class Message(Row, frozen=True):
    table: ClassVar[str] = "messages"
    id: Serial
    sender_id: Uuid | None
    recipient_id: Uuid | None
    group_id: Uuid | None
    reply_to_id: Int | None
    created_at: Now | None
    edited_at: Time | None
    deleted_at: Time | None
    edit_no: ZeroInt
    conversation_id: Uuid | None
    seq: BigInt | None
    epoch: BigInt | None
    device_id: Uuid | None
    client_id: Uuid | None
    content_ciphertext: Bytes | None
    entry_hash: Bytes | None
    chain: Bytes | None


class Entry(Row, frozen=True):
    table: ClassVar[str] = "entries"
    conversation_id: Uuid
    seq: BigInt
    kind: SmallInt
    epoch: BigInt
    sender_id: Uuid
    device_id: Uuid
    client_id: Uuid | None
    message_id: Int | None
    content: Bytes | None
    entry_hash: Bytes
    chain: Bytes
    created_at: Now


class Reaction(Row, frozen=True):
    table: ClassVar[str] = "reactions"
    id: Serial
    message_id: Int
    user_id: Uuid
    emoji: Annotated[str, Sql("character varying(32)")]
    created_at: Now | None
    counter: ZeroBigInt
    seq: BigInt | None


class RemovedReaction(Row, frozen=True):
    table: ClassVar[str] = "removed_reactions"
    message_id: Int
    user_id: Uuid
    emoji: Annotated[str, Sql("character varying(32)")]
    counter: BigInt
    seq: BigInt


class Pin(Row, frozen=True):
    table: ClassVar[str] = "pins"
    message_id: Int
    conversation_id: Uuid
    pin_no: Int
    pinned: Bool
    seq: BigInt
    changed_at: Now


class FileRecord(Row, frozen=True):
    table: ClassVar[str] = "files"
    id: RandomUuid
    conversation_id: Uuid | None
    message_id: Int | None
    uploader_id: Uuid
    filename: Annotated[str, Sql("character varying(255)")]
    mime_type: Annotated[str, Sql("character varying(127)")]
    size_bytes: BigInt
    storage_path: Text
    encryption_header: Bytes
    created_at: Now | None
    uploaded_at: Time | None
    direct_conversation_id: Uuid | None
    received_bytes: ZeroBigInt
