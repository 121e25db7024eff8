-- Version 5: what is registered can be kept in memory and known to be as it stands here; two more lists begin at their
-- first row.

-- Counted on by each change of what is registered, in the transaction of that change.
CREATE TABLE definitions (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO definitions (version) VALUES (0);

CREATE TRIGGER clients_inserted AFTER INSERT ON clients
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER clients_updated AFTER UPDATE ON clients
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER clients_deleted AFTER DELETE ON clients
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER client_redirect_uris_inserted AFTER INSERT ON client_redirect_uris
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_redirect_uris_updated AFTER UPDATE ON client_redirect_uris
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_redirect_uris_deleted AFTER DELETE ON client_redirect_uris
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER client_scopes_inserted AFTER INSERT ON client_scopes
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_scopes_updated AFTER UPDATE ON client_scopes
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_scopes_deleted AFTER DELETE ON client_scopes
BEGIN UPDATE definitions SET version = version + 1; END;

-- Not where `last_used_at` alone changes, which is written all the time.
CREATE TRIGGER client_secrets_inserted AFTER INSERT ON client_secrets
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_secrets_updated AFTER UPDATE OF client_key, secret_hash, created_at, expires_at ON client_secrets
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER client_secrets_deleted AFTER DELETE ON client_secrets
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER resource_servers_inserted AFTER INSERT ON resource_servers
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER resource_servers_updated AFTER UPDATE ON resource_servers
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER resource_servers_deleted AFTER DELETE ON resource_servers
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER resource_server_secrets_inserted AFTER INSERT ON resource_server_secrets
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER resource_server_secrets_updated
AFTER UPDATE OF resource_server_key, secret_hash, created_at, expires_at ON resource_server_secrets
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER resource_server_secrets_deleted AFTER DELETE ON resource_server_secrets
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER scopes_inserted AFTER INSERT ON scopes
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER scopes_updated AFTER UPDATE ON scopes
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER scopes_deleted AFTER DELETE ON scopes
BEGIN UPDATE definitions SET version = version + 1; END;

CREATE TRIGGER scope_openings_inserted AFTER INSERT ON scope_openings
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER scope_openings_updated AFTER UPDATE ON scope_openings
BEGIN UPDATE definitions SET version = version + 1; END;
CREATE TRIGGER scope_openings_deleted AFTER DELETE ON scope_openings
BEGIN UPDATE definitions SET version = version + 1; END;

-- What was revoked, in the order in which it is listed: tokens by themselves, and grants with all their tokens.
CREATE INDEX revoked_tokens ON tokens (grant_key) WHERE revoked_at IS NOT NULL;
CREATE INDEX ended_grants ON grants (grant_key) WHERE ended_at IS NOT NULL;

-- A token's key holds the millisecond of its issue above its lowest 21 bits, so that what is older than an instant lies
-- before it in the table. Where the clock had stepped back it does not; those few are found here.
CREATE INDEX tokens_out_of_order ON tokens (token_key) WHERE issued_at < (token_key >> 21);
