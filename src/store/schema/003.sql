-- Version 3: the resources at which tokens may be used (RFC 8707), separated by spaces; none means all of them. They are
-- kept as text: a token stays bound to its resource also when that is not registered any more.

ALTER TABLE resource_servers ADD COLUMN resource TEXT;
CREATE UNIQUE INDEX resource_servers_by_resource ON resource_servers (resource) WHERE resource IS NOT NULL;

ALTER TABLE grants ADD COLUMN resources TEXT NOT NULL DEFAULT '';
-- Of an access token; a refresh token has its grant's.
ALTER TABLE tokens ADD COLUMN resources TEXT NOT NULL DEFAULT '';
