-- Version 4: approvals that are remembered, and when a session began.

-- Whether the resource owner may have an approval remembered.
ALTER TABLE clients ADD COLUMN consent TEXT NOT NULL DEFAULT 'always' CHECK (consent IN ('always', 'remember'));

-- When the resource owner signed in. Of a session that is older than this column: 0, so that it counts as long ago.
ALTER TABLE sessions ADD COLUMN signed_in_at INTEGER NOT NULL DEFAULT 0;

-- What a resource owner approved for a client and does not want to be asked again. It opens nothing by itself, and does
-- not end with the grants that come of it.
CREATE TABLE remembered_approvals (
    approval_key INTEGER PRIMARY KEY,
    client_key   INTEGER NOT NULL REFERENCES clients ON DELETE CASCADE,
    owner_key    INTEGER NOT NULL REFERENCES resource_owners ON DELETE CASCADE,
    -- Separated by spaces; none means all of them, as in grants.
    resources    TEXT    NOT NULL,
    approved_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX remembered_approvals_by_owner ON remembered_approvals (owner_key, client_key);
CREATE INDEX remembered_approvals_by_client ON remembered_approvals (client_key);

CREATE TABLE remembered_scopes (
    approval_key    INTEGER NOT NULL REFERENCES remembered_approvals ON DELETE CASCADE,
    -- As text: a scope may be gone, and come back as another.
    scope           TEXT    NOT NULL,
    -- SHA-256 over what the scope opened when it was approved.
    coverage_digest BLOB    NOT NULL CHECK (length(coverage_digest) = 32),
    PRIMARY KEY (approval_key, scope)
) STRICT, WITHOUT ROWID;
