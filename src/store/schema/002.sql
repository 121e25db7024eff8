-- Version 2: the audit trail, and when a secret was last used.

-- Each entry holds the hash of the one before it (see `domain::audit`): what is changed or removed is found.
CREATE TABLE audit (
    entry        INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor        TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    -- A JSON object; never a secret.
    detail       TEXT    NOT NULL,
    hash         BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject_kind, subject);
CREATE INDEX audit_by_actor ON audit (actor_kind, actor);
CREATE INDEX audit_by_action ON audit (action);

-- The newest entry, so that entries cut off from the end are missed too.
CREATE TABLE audit_head (
    entry INTEGER NOT NULL,
    hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_head (entry, hash) VALUES (0, zeroblob(32));

ALTER TABLE client_secrets ADD COLUMN last_used_at INTEGER;
ALTER TABLE resource_server_secrets ADD COLUMN last_used_at INTEGER;

-- What ended before its time, for pruning.
CREATE INDEX tokens_by_revocation ON tokens (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX grants_by_end ON grants (ended_at) WHERE ended_at IS NOT NULL;
