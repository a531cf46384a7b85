-- The everyday of governing a group.

-- Slow mode: where whoever writes a message looks anyway, and when whom it binds spoke last.
ALTER TABLE conversations ADD COLUMN slow_mode_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE group_members ADD COLUMN spoke_at TIMESTAMPTZ;
