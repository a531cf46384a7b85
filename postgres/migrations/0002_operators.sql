-- What an operator may do: lock an account, and let people in one by one.

ALTER TABLE users ADD COLUMN locked_at TIMESTAMPTZ;

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
