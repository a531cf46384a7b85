-- The everyday of governing a group.

-- Slow mode: where whoever writes a message looks anyway, and when whom it binds spoke last.
ALTER TABLE conversations ADD COLUMN slow_mode_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE group_members ADD COLUMN spoke_at TIMESTAMPTZ;

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
