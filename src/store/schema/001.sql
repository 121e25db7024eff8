-- Version 1. Instants are milliseconds since 1970 in UTC, spans are milliseconds, hashes are SHA-256.
-- Nothing here opens a door: codes, tokens, secrets and cookies are stored as hashes, passwords as Argon2id.

CREATE TABLE scopes (
    scope_key   INTEGER PRIMARY KEY,
    scope       TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- What a scope opens: a folder, a service or a route each.
CREATE TABLE scope_openings (
    scope_key INTEGER NOT NULL REFERENCES scopes ON DELETE CASCADE,
    kind      TEXT    NOT NULL CHECK (kind IN ('folder', 'service', 'route')),
    pattern   TEXT    NOT NULL,
    PRIMARY KEY (scope_key, kind, pattern)
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
    client_key             INTEGER PRIMARY KEY,
    client_id              TEXT    NOT NULL UNIQUE,
    name                   TEXT    NOT NULL,
    description            TEXT    NOT NULL,
    enabled                INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    require_pkce           INTEGER NOT NULL CHECK (require_pkce IN (0, 1)),
    access_token_lifetime  INTEGER NOT NULL,
    code_lifetime          INTEGER NOT NULL,
    -- NULL: as often as it likes; 0: never.
    refresh_limit          INTEGER,
    refresh_token_lifetime INTEGER NOT NULL,
    refresh_token_idle     INTEGER NOT NULL,
    created_at             INTEGER NOT NULL
) STRICT;

CREATE TABLE client_redirect_uris (
    client_key   INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    redirect_uri TEXT    NOT NULL,
    PRIMARY KEY (client_key, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_scopes (
    client_key INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
    -- A scope cannot go while a client has it.
    scope_key  INTEGER NOT NULL REFERENCES scopes,
    PRIMARY KEY (client_key, scope_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_scopes_by_scope ON client_scopes (scope_key);

-- Several at a time, so that a secret can be replaced without an outage.
CREATE TABLE client_secrets (
    secret_key  INTEGER PRIMARY KEY,
    client_key  INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT;
CREATE INDEX client_secrets_by_client ON client_secrets (client_key);

CREATE TABLE resource_servers (
    resource_server_key INTEGER PRIMARY KEY,
    resource_server_id  TEXT    NOT NULL UNIQUE,
    name                TEXT    NOT NULL UNIQUE,
    created_at          INTEGER NOT NULL
) STRICT;

CREATE TABLE resource_server_secrets (
    secret_key          INTEGER PRIMARY KEY,
    resource_server_key INTEGER NOT NULL REFERENCES resource_servers ON DELETE CASCADE,
    secret_hash         BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER
) STRICT;
CREATE INDEX resource_server_secrets_by_resource_server ON resource_server_secrets (resource_server_key);

CREATE TABLE resource_owners (
    owner_key     INTEGER PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    session_key INTEGER PRIMARY KEY,
    secret_hash BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    owner_key   INTEGER NOT NULL REFERENCES resource_owners ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_owner ON sessions (owner_key);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- One approval by one resource owner for one client.
CREATE TABLE grants (
    grant_key       INTEGER PRIMARY KEY,
    client_key      INTEGER NOT NULL REFERENCES clients,
    owner_key       INTEGER NOT NULL REFERENCES resource_owners,
    scope           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    -- Of the approval form: an approval can be given once.
    form_nonce      BLOB    NOT NULL UNIQUE CHECK (length(form_nonce) = 16),
    refreshes       INTEGER NOT NULL DEFAULT 0,
    refresh_ends_at INTEGER,
    ended_at        INTEGER,
    end_cause       TEXT,
    CHECK ((ended_at IS NULL) = (end_cause IS NULL))
) STRICT;
-- Selectors by client and by resource owner go through the grants, and from there to the tokens.
CREATE INDEX grants_by_client ON grants (client_key);
CREATE INDEX grants_by_owner ON grants (owner_key);

-- For selectors by scope. A token of a grant has no more than the grant's scope.
CREATE TABLE grant_scopes (
    scope     TEXT    NOT NULL,
    grant_key INTEGER NOT NULL REFERENCES grants ON DELETE CASCADE,
    PRIMARY KEY (scope, grant_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX grant_scopes_by_grant ON grant_scopes (grant_key);

CREATE TABLE authorization_codes (
    code_key              INTEGER PRIMARY KEY,
    grant_key             INTEGER NOT NULL REFERENCES grants,
    secret_hash           BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    redirect_uri          TEXT    NOT NULL,
    redirect_uri_was_sent INTEGER NOT NULL CHECK (redirect_uri_was_sent IN (0, 1)),
    code_challenge        BLOB    CHECK (length(code_challenge) = 32),
    expires_at            INTEGER NOT NULL,
    exchanged_at          INTEGER
) STRICT;
CREATE INDEX authorization_codes_by_grant ON authorization_codes (grant_key);
CREATE INDEX authorization_codes_by_end ON authorization_codes (expires_at);

-- Access tokens and refresh tokens. The key grows with time, so that a range of keys is a range of instants.
CREATE TABLE tokens (
    token_key      INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL CHECK (kind IN ('access', 'refresh')),
    grant_key      INTEGER NOT NULL REFERENCES grants,
    secret_hash    BLOB    NOT NULL CHECK (length(secret_hash) = 32),
    -- Of an access token; a refresh token has its grant's.
    scope          TEXT,
    issued_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    last_used_at   INTEGER,
    revoked_at     INTEGER,
    -- Of a refresh token that has been used: see the contract's ruling on rotation.
    rotated_at     INTEGER,
    successor_key  INTEGER,
    successor_salt BLOB    CHECK (length(successor_salt) = 32),
    CHECK ((kind = 'access') = (scope IS NOT NULL)),
    CHECK ((rotated_at IS NULL) = (successor_key IS NULL)),
    CHECK ((rotated_at IS NULL) = (successor_salt IS NULL))
) STRICT;
CREATE INDEX tokens_by_grant ON tokens (grant_key);
CREATE INDEX tokens_by_end ON tokens (expires_at);
CREATE INDEX tokens_by_use ON tokens (coalesce(last_used_at, issued_at));
CREATE INDEX refresh_tokens ON tokens (token_key) WHERE kind = 'refresh';

-- One row that exists to be written: whether the store can be written is found out by writing.
CREATE TABLE probe (
    writes INTEGER NOT NULL
) STRICT;
INSERT INTO probe (writes) VALUES (0);
