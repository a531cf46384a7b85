-- The whole schema of Coterie, always current: psql -U dev -d chatapp -f postgres/init.sql
-- Which columns are sealed and which the server knows: docs/threat-model.md.

BEGIN;

CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- The public half of the key that signs this server's statements: groups name it in their state, so
-- that a database is served with that key or not at all.
CREATE TABLE server (
    id BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (id),
    server_key BYTEA NOT NULL
);

-- People and their devices ---------------------------------------------------------------------

-- An ended account's row is anonymised, never deleted: nobody else's group or message goes with it.
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    username VARCHAR(32) UNIQUE,
    identity_key BYTEA UNIQUE,
    password_hash TEXT,
    identity_ciphertext BYTEA,
    device_list BYTEA,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    ended_at TIMESTAMPTZ,
    locked_at TIMESTAMPTZ
);

-- Beside the server's registration code: each lets so many people make an account.
CREATE TABLE registration_invites (
    id UUID PRIMARY KEY,
    code_hash BYTEA NOT NULL UNIQUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ,
    max_uses INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    CHECK (uses >= 0),
    CHECK (uses <= max_uses)
);

CREATE TABLE devices (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    device_key BYTEA NOT NULL UNIQUE,
    certificate BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    revoked_at TIMESTAMPTZ
);
CREATE INDEX idx_devices_user_id ON devices(user_id);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    device_id UUID NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_sessions_device_id ON sessions(device_id);
CREATE INDEX idx_sessions_user_id ON sessions(user_id);

CREATE TABLE key_packages (
    reference BYTEA PRIMARY KEY,
    device_id UUID NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
    key_package BYTEA NOT NULL,
    last_resort BOOLEAN NOT NULL DEFAULT FALSE,
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX idx_key_packages_device_id ON key_packages(device_id);
CREATE UNIQUE INDEX idx_key_packages_last_resort ON key_packages(device_id) WHERE last_resort;

CREATE TABLE blocks (
    blocker_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    blocked_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX idx_blocks_blocked_id ON blocks(blocked_id);

-- Groups ---------------------------------------------------------------------------------------

CREATE TABLE groups (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    description TEXT,
    avatar_url TEXT,
    owner_id UUID NOT NULL REFERENCES users(id),
    created_at TIMESTAMPTZ DEFAULT NOW(),
    updated_at TIMESTAMPTZ DEFAULT NOW(),
    history SMALLINT NOT NULL DEFAULT 0,
    inviters SMALLINT NOT NULL DEFAULT 0
);
CREATE INDEX idx_groups_owner_id ON groups(owner_id);

-- `spoke_at`: the time of the member's newest message in slow mode; kept for those it binds.
CREATE TABLE group_members (
    id SERIAL PRIMARY KEY,
    group_id UUID NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    role VARCHAR(20) NOT NULL DEFAULT 'member'
        CHECK (role IN ('owner', 'admin', 'moderator', 'member')),
    joined_at TIMESTAMPTZ DEFAULT NOW(),
    joined_seq BIGINT NOT NULL DEFAULT 0,
    spoke_at TIMESTAMPTZ,
    UNIQUE (group_id, user_id)
);
CREATE INDEX idx_group_members_group_id ON group_members(group_id);
CREATE INDEX idx_group_members_user_id ON group_members(user_id);
CREATE UNIQUE INDEX idx_group_members_one_owner ON group_members(group_id) WHERE role = 'owner';

CREATE TABLE group_invites (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    group_id UUID NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
    code VARCHAR(20) NOT NULL UNIQUE,
    created_by UUID NOT NULL REFERENCES users(id),
    expires_at TIMESTAMPTZ,
    max_uses INTEGER,
    uses INTEGER DEFAULT 0,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    invite_key BYTEA,
    anchor_epoch BIGINT,
    anchor_ciphertext BYTEA,
    CHECK (uses >= 0),
    CHECK (uses <= max_uses)
);
CREATE INDEX idx_group_invites_code ON group_invites(code);
CREATE INDEX idx_group_invites_group_id ON group_invites(group_id);

CREATE TABLE group_bans (
    id SERIAL PRIMARY KEY,
    group_id UUID NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    banned_by UUID NOT NULL REFERENCES users(id),
    reason TEXT,
    banned_at TIMESTAMPTZ DEFAULT NOW(),
    UNIQUE (group_id, user_id)
);
CREATE INDEX idx_group_bans_user_id ON group_bans(user_id);

-- Conversations: what a group and a direct conversation share ------------------------------------

-- `id` is the group's id, or one of its own for a direct conversation between `low_id` and `high_id`.
-- `epoch`, `seq` and `chain` are the heads of MLS, of the log and of its hash chain; whoever writes to
-- the conversation locks this row first. `slow_mode_seconds` stands here because whoever writes a
-- message reads this row anyway.
CREATE TABLE conversations (
    id UUID PRIMARY KEY,
    group_id UUID UNIQUE REFERENCES groups(id) ON DELETE CASCADE,
    low_id UUID REFERENCES users(id),
    high_id UUID REFERENCES users(id),
    epoch BIGINT NOT NULL DEFAULT 0,
    seq BIGINT NOT NULL DEFAULT 0,
    chain BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    slow_mode_seconds INTEGER NOT NULL DEFAULT 0,
    UNIQUE (low_id, high_id),
    CHECK (num_nonnulls(group_id, low_id) = 1),
    CHECK (num_nonnulls(low_id, high_id) <> 1),
    CHECK (low_id <= high_id),
    CHECK (group_id = id)
);
CREATE INDEX idx_conversations_high_id ON conversations(high_id);

-- How far somebody has read. For their own devices alone.
CREATE TABLE read_positions (
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    PRIMARY KEY (user_id, conversation_id)
);
CREATE INDEX idx_read_positions_conversation_id ON read_positions(conversation_id);

-- The public MLS state of the newest epoch.
CREATE TABLE public_states (
    conversation_id UUID PRIMARY KEY REFERENCES conversations(id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    state BYTEA NOT NULL
);

-- The epochs that a chain of commits can be verified from: epoch 0 and that of each live link.
CREATE TABLE anchors (
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    group_context BYTEA NOT NULL,
    ratchet_tree BYTEA NOT NULL,
    confirmation_tag BYTEA NOT NULL,
    PRIMARY KEY (conversation_id, epoch)
);

-- The GroupInfo candidates of the newest epoch, one per signing device.
CREATE TABLE group_infos (
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    device_id UUID NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    group_info BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (conversation_id, device_id)
);
CREATE INDEX idx_group_infos_device_id ON group_infos(device_id);

CREATE TABLE welcomes (
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    device_id UUID NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    chain_before BYTEA NOT NULL,
    welcome BYTEA NOT NULL,
    ratchet_tree BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (device_id, conversation_id)
);
CREATE INDEX idx_welcomes_conversation_id ON welcomes(conversation_id);

-- Who has left and still has keys: until their removal is committed nobody sends.
CREATE TABLE departures (
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    statement BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
);
CREATE INDEX idx_departures_user_id ON departures(user_id);

-- Messages and the rest of the log -----------------------------------------------------------------

-- A deleted message stays as a tombstone: its hash remains, its ciphertext goes.
CREATE TABLE messages (
    id SERIAL PRIMARY KEY,
    sender_id UUID REFERENCES users(id),
    recipient_id UUID REFERENCES users(id),
    group_id UUID REFERENCES groups(id) ON DELETE CASCADE,
    reply_to_id INTEGER REFERENCES messages(id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    edited_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    edit_no INTEGER NOT NULL DEFAULT 0,
    conversation_id UUID REFERENCES conversations(id) ON DELETE CASCADE,
    seq BIGINT,
    epoch BIGINT,
    device_id UUID,
    client_id UUID,
    content_ciphertext BYTEA,
    entry_hash BYTEA,
    chain BYTEA,
    CHECK (num_nonnulls(recipient_id, group_id) = 1)
);
CREATE UNIQUE INDEX idx_messages_conversation_seq ON messages(conversation_id, seq);
CREATE UNIQUE INDEX idx_messages_conversation_hash ON messages(conversation_id, entry_hash);
CREATE UNIQUE INDEX idx_messages_device_client ON messages(device_id, client_id);
CREATE INDEX idx_messages_group_id ON messages(group_id) WHERE group_id IS NOT NULL;
CREATE INDEX idx_messages_reply_to_id ON messages(reply_to_id) WHERE reply_to_id IS NOT NULL;

-- Every entry of a log that is not a message: edits, deletions, reactions, statements, commits.
-- `epoch` of a commit is the epoch it makes. `message_id` is the target.
CREATE TABLE entries (
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    epoch BIGINT NOT NULL,
    sender_id UUID NOT NULL REFERENCES users(id),
    device_id UUID NOT NULL,
    client_id UUID,
    message_id INTEGER REFERENCES messages(id) ON DELETE SET NULL,
    content BYTEA,
    entry_hash BYTEA NOT NULL,
    chain BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX idx_entries_one_commit ON entries(conversation_id, epoch) WHERE kind = 7;
CREATE UNIQUE INDEX idx_entries_device_client ON entries(device_id, client_id);
CREATE INDEX idx_entries_statements ON entries(conversation_id, sender_id) WHERE kind = 6;
CREATE INDEX idx_entries_message_id ON entries(message_id) WHERE message_id IS NOT NULL;

CREATE TABLE reactions (
    id SERIAL PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    emoji VARCHAR(32) NOT NULL,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    counter BIGINT NOT NULL DEFAULT 0,
    seq BIGINT,
    UNIQUE (message_id, user_id, emoji)
);
CREATE INDEX idx_reactions_message_id ON reactions(message_id);

-- Reactions taken back: their counter, so that an old one cannot be played again.
CREATE TABLE removed_reactions (
    message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    emoji VARCHAR(32) NOT NULL,
    counter BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id, emoji)
);

-- Messages that are pinned, or were: the number, so that an old pin cannot be played again.
CREATE TABLE pins (
    message_id INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE,
    conversation_id UUID NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    pin_no INTEGER NOT NULL,
    pinned BOOLEAN NOT NULL,
    seq BIGINT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX idx_pins_conversation_id ON pins(conversation_id);

-- `conversation_id` is the group's id; a file in a direct conversation hangs on the last column.
CREATE TABLE files (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id UUID,
    message_id INTEGER REFERENCES messages(id) ON DELETE SET NULL,
    uploader_id UUID NOT NULL REFERENCES users(id),
    filename VARCHAR(255) NOT NULL,
    mime_type VARCHAR(127) NOT NULL,
    size_bytes BIGINT NOT NULL,
    storage_path TEXT NOT NULL,
    encryption_header BYTEA NOT NULL,
    created_at TIMESTAMPTZ DEFAULT NOW(),
    uploaded_at TIMESTAMPTZ,
    direct_conversation_id UUID REFERENCES conversations(id) ON DELETE SET NULL,
    received_bytes BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX idx_files_message_id ON files(message_id);
CREATE INDEX idx_files_uploader_id ON files(uploader_id);
CREATE INDEX idx_files_conversation_id ON files(conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX idx_files_direct_conversation_id ON files(direct_conversation_id)
    WHERE direct_conversation_id IS NOT NULL;

-- What moderators did, and why; it goes with the group alone.
CREATE TABLE audit_entries (
    id SERIAL PRIMARY KEY,
    group_id UUID NOT NULL REFERENCES groups(id) ON DELETE CASCADE,
    actor_id UUID NOT NULL REFERENCES users(id),
    act VARCHAR(20) NOT NULL,
    target_id UUID REFERENCES users(id),
    message_id INTEGER REFERENCES messages(id) ON DELETE SET NULL,
    detail TEXT,
    reason TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX idx_audit_entries_group_id ON audit_entries(group_id, id);
CREATE INDEX idx_audit_entries_message_id ON audit_entries(message_id) WHERE message_id IS NOT NULL;

-- What the keys alone do not hold: replies and files stay within their conversation.
CREATE FUNCTION refuse_foreign_reply() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM messages WHERE id = NEW.reply_to_id
               AND conversation_id IS DISTINCT FROM NEW.conversation_id) THEN
        RAISE EXCEPTION 'a reply stays within its conversation' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER messages_reply_within_conversation BEFORE INSERT OR UPDATE OF reply_to_id ON messages
    FOR EACH ROW WHEN (NEW.reply_to_id IS NOT NULL AND NEW.conversation_id IS NOT NULL)
    EXECUTE FUNCTION refuse_foreign_reply();

CREATE FUNCTION refuse_foreign_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM messages WHERE id = NEW.message_id AND conversation_id
               <> COALESCE(NEW.conversation_id, NEW.direct_conversation_id)) THEN
        RAISE EXCEPTION 'a file stays within its conversation' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER files_within_conversation BEFORE INSERT OR UPDATE OF message_id ON files
    FOR EACH ROW WHEN (NEW.message_id IS NOT NULL)
    EXECUTE FUNCTION refuse_foreign_file();

-- Ciphertext does not compress: do not try.
ALTER TABLE messages ALTER COLUMN content_ciphertext SET STORAGE EXTERNAL;
ALTER TABLE entries ALTER COLUMN content SET STORAGE EXTERNAL;

INSERT INTO schema_version (version) VALUES (3);

COMMIT;
