//! Tokens by selector: the SQL of `token list`, `token revoke` and of the questions behind them.
//!
//! A selector has one *driver*, the condition that an index answers best; the others only filter what it finds. The
//! order of a page is the order of that index, so that a page costs what it shows and not what there is, and the next
//! page begins where the last one ended. Where two indexes answer together, each is walked in the same order, and what
//! both find is merged.

use rusqlite::types::Value;

use super::StoreError;
use super::row::Row;
use super::statement::Statement;
use super::transaction::ReadTransaction;
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::{ScopeSet, ScopeToken};
use crate::domain::token::TokenKind;
use crate::domain::token_state::TokenState;

/// Which tokens. All conditions that are given must hold; none at all means every token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenSelector {
    /// One of these.
    pub identifiers: Vec<Identifier>,
    /// Of this grant.
    pub grant: Option<Identifier>,
    /// Of this client.
    pub client: Option<ClientId>,
    /// Approved by this resource owner.
    pub owner: Option<Username>,
    /// With this scope.
    pub scope: Option<ScopeToken>,
    /// Access tokens or refresh tokens only.
    pub kind: Option<TokenKind>,
    /// Issued before this instant.
    pub issued_before: Option<Timestamp>,
    /// Not used since this instant; one that was never used counts from its issue.
    pub unused_since: Option<Timestamp>,
    /// With a life that has ended.
    pub expired: bool,
    /// In this state.
    pub state: Option<TokenState>,
}

/// A token as an administrator sees it.
#[derive(Debug, Clone)]
pub struct TokenOverview {
    /// Key of the row.
    pub identifier: Identifier,
    /// Access token or refresh token.
    pub kind: TokenKind,
    /// The grant that it came of.
    pub grant: Identifier,
    /// Who holds it.
    pub client: ClientId,
    /// Who approved.
    pub owner: Username,
    /// What it is for.
    pub scope: ScopeSet,
    /// The resources that it is bound to.
    pub resources: ResourceSet,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was last used, as far as that has been written.
    pub last_used_at: Option<Timestamp>,
    /// What has become of it.
    pub state: TokenState,
    place: Place,
}

/// As much of a token as revoking it needs.
#[derive(Debug, Clone, Copy)]
pub struct FoundToken {
    /// Key of the row.
    pub identifier: Identifier,
    /// Access token or refresh token.
    pub kind: TokenKind,
    /// The grant that it came of.
    pub grant: Identifier,
    /// What has become of it.
    pub state: TokenState,
    place: Place,
}

impl FoundToken {
    /// The next page begins after this token.
    pub fn cursor(&self) -> TokenCursor {
        TokenCursor(self.place)
    }
}

/// Where a token stands in the order of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    first: i64,
    token: i64,
}

impl TokenOverview {
    /// The next page begins after this token.
    pub fn cursor(&self) -> TokenCursor {
        TokenCursor(self.place)
    }
}

/// Where a page begins; good for the selector that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCursor(Place);

/// The index that finds the tokens, and so the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Key,
    RefreshKey,
    Grant,
    Client,
    Owner,
    Scope,
    Use,
    End,
    Life,
    Revocation,
}

/// One walk: the tables in the order in which they are gone through, which `CROSS JOIN` keeps SQLite from changing; the
/// condition by which an index leads it; what the order goes by before the token's key.
struct Walk {
    tables: &'static str,
    led_by: Option<String>,
    first: &'static str,
}

impl Driver {
    fn of(selector: &TokenSelector) -> Self {
        if !selector.identifiers.is_empty() {
            Self::Key
        } else if selector.grant.is_some() {
            Self::Grant
        } else if selector.owner.is_some() {
            Self::Owner
        } else if selector.client.is_some() {
            Self::Client
        } else if selector.scope.is_some() {
            Self::Scope
        } else if selector.state == Some(TokenState::Revoked) {
            Self::Revocation
        } else if selector.expired || selector.state == Some(TokenState::Expired) {
            Self::End
        } else if selector.unused_since.is_some() {
            Self::Use
        } else if selector.state == Some(TokenState::Active) {
            Self::Life
        } else if selector.kind == Some(TokenKind::RefreshToken)
            || selector.state == Some(TokenState::Rotated)
        {
            Self::RefreshKey
        } else {
            Self::Key
        }
    }

    /// What is walked. What is older than an instant comes first in the table, but for the few tokens whose key says less
    /// than the clock did, which have an index of their own.
    fn walks(self, older_than: Option<(String, String)>) -> Vec<Walk> {
        let walk = |led_by| Walk {
            tables: self.tables(),
            led_by,
            first: self.first(),
        };
        match (self, older_than) {
            (Self::Key | Self::RefreshKey, Some((instant, key))) => vec![
                walk(Some(format!("t.token_key < {key}"))),
                Walk {
                    first: self.first(),
                    tables: "tokens t INDEXED BY tokens_out_of_order CROSS JOIN grants g USING (grant_key)",
                    led_by: Some(format!(
                        "t.issued_at < (t.token_key >> 21) AND t.issued_at < {instant} AND t.token_key >= {key}"
                    )),
                },
            ],
            (Self::Revocation, _) => vec![
                walk(Some("t.revoked_at IS NOT NULL".to_owned())),
                Walk {
                    first: "g.grant_key",
                    tables: "grants g INDEXED BY ended_grants CROSS JOIN tokens t INDEXED BY tokens_by_grant \
                             ON t.grant_key = g.grant_key",
                    led_by: Some("g.ended_at IS NOT NULL".to_owned()),
                },
            ],
            _ => vec![walk(None)],
        }
    }

    fn tables(self) -> &'static str {
        match self {
            Self::Key => "tokens t CROSS JOIN grants g USING (grant_key)",
            Self::RefreshKey => "tokens t INDEXED BY refresh_tokens CROSS JOIN grants g USING (grant_key)",
            Self::Grant => "tokens t INDEXED BY tokens_by_grant CROSS JOIN grants g USING (grant_key)",
            Self::Client => {
                "grants g INDEXED BY grants_by_client CROSS JOIN tokens t INDEXED BY tokens_by_grant \
                 ON t.grant_key = g.grant_key"
            }
            Self::Owner => {
                "grants g INDEXED BY grants_by_owner CROSS JOIN tokens t INDEXED BY tokens_by_grant \
                 ON t.grant_key = g.grant_key"
            }
            Self::Scope => {
                "grant_scopes s CROSS JOIN grants g ON g.grant_key = s.grant_key \
                 CROSS JOIN tokens t INDEXED BY tokens_by_grant ON t.grant_key = s.grant_key"
            }
            Self::Use => "tokens t INDEXED BY tokens_by_use CROSS JOIN grants g USING (grant_key)",
            Self::End | Self::Life => {
                "tokens t INDEXED BY tokens_by_end CROSS JOIN grants g USING (grant_key)"
            }
            Self::Revocation => {
                "tokens t INDEXED BY revoked_tokens CROSS JOIN grants g ON g.grant_key = t.grant_key"
            }
        }
    }

    /// What the order goes by before the token's key.
    fn first(self) -> &'static str {
        match self {
            Self::Key | Self::RefreshKey | Self::Grant => "0",
            Self::Client | Self::Owner => "g.grant_key",
            Self::Scope => "s.grant_key",
            Self::Use => "coalesce(t.last_used_at, t.issued_at)",
            Self::End | Self::Life => "t.expires_at",
            Self::Revocation => "t.grant_key",
        }
    }

    fn is_by_key_alone(self) -> bool {
        matches!(self, Self::Key | Self::RefreshKey | Self::Grant)
    }
}

/// The state of a token as SQL; `now` is a placeholder.
fn state_sql(now: &str) -> String {
    format!(
        "CASE WHEN t.revoked_at IS NOT NULL OR g.ended_at IS NOT NULL THEN 'revoked' \
         WHEN t.rotated_at IS NOT NULL THEN 'rotated' WHEN t.expires_at <= {now} THEN 'expired' ELSE 'active' END"
    )
}

/// What an overview shows besides.
const OVERVIEW: &str = ", coalesce(t.scope, g.scope) AS scope, \
    CASE t.kind WHEN 'access' THEN t.resources ELSE g.resources END AS resources, \
    t.issued_at, t.expires_at, t.last_used_at, \
    (SELECT client_id FROM clients c WHERE c.client_key = g.client_key) AS client_id, \
    (SELECT username FROM resource_owners o WHERE o.owner_key = g.owner_key) AS username";

fn statement(
    columns: &'static str,
    selector: &TokenSelector,
    after: Option<TokenCursor>,
    limit: u32,
    now: Timestamp,
) -> (String, Vec<Value>) {
    let driver = Driver::of(selector);
    let mut statement = Statement::default();
    let now = statement.bind(now.as_millis());
    if !selector.identifiers.is_empty() {
        let keys: Vec<i64> = selector
            .identifiers
            .iter()
            .map(|identifier| identifier.as_i64())
            .collect();
        let keys = statement.bind(serde_json::json!(keys).to_string());
        statement.require(format!("t.token_key IN (SELECT value FROM json_each({keys}))"));
    }
    if let Some(grant) = selector.grant {
        let grant = statement.bind(grant.as_i64());
        statement.require(format!("t.grant_key = {grant}"));
    }
    statement.require_holders(selector.client.as_ref(), selector.owner.as_ref());
    if let Some(scope) = &selector.scope {
        let scope = statement.bind(scope.as_str().to_owned());
        if driver == Driver::Scope {
            statement.require(format!("s.scope = {scope}"));
        }
        // A token may have less than its grant.
        statement.require(format!(
            "instr(' ' || coalesce(t.scope, g.scope) || ' ', ' ' || {scope} || ' ') > 0"
        ));
    }
    if let Some(kind) = selector.kind {
        statement.require(format!("t.kind = '{}'", kind.name()));
    }
    if driver == Driver::RefreshKey && selector.kind != Some(TokenKind::RefreshToken) {
        // Of an index over some rows SQLite wants to be told that no others are meant. Access tokens that were rotated
        // are asked for here too; there are none.
        statement.require("t.kind = 'refresh'".to_owned());
    }
    let older_than = selector.issued_before.map(|instant| {
        let key = statement.bind(Identifier::at(instant, 0).as_i64());
        let instant = statement.bind(instant.as_millis());
        statement.require(format!("t.issued_at < {instant}"));
        (instant, key)
    });
    if let Some(instant) = selector.unused_since {
        let instant = statement.bind(instant.as_millis());
        statement.require(format!("coalesce(t.last_used_at, t.issued_at) < {instant}"));
    }
    if selector.expired || driver == Driver::End {
        statement.require(format!("t.expires_at <= {now}"));
    }
    if driver == Driver::Life {
        // What ended long ago lies before it in the index, and is most of the table.
        statement.require(format!("t.expires_at > {now}"));
    }
    let state = state_sql(&now);
    if let Some(wanted) = selector.state {
        statement.require(format!("{state} = '{wanted}'"));
    }
    let first = driver.first();
    if let Some(TokenCursor(Place {
        first: after_first,
        token,
    })) = after
    {
        let token = statement.bind(token);
        if driver.is_by_key_alone() {
            statement.require(format!("t.token_key > {token}"));
        } else {
            let after_first = statement.bind(after_first);
            statement.require(format!("({first}, t.token_key) > ({after_first}, {token})"));
        }
    }
    let walks = driver.walks(older_than);
    // What more than one walk finds comes as often, side by side.
    let limit = i64::from(limit) * i64::try_from(walks.len()).unwrap_or(1);
    let limit = statement.bind(limit);
    let order = if driver.is_by_key_alone() {
        "token_key".to_owned()
    } else {
        "place, token_key".to_owned()
    };
    let selects: Vec<String> = walks
        .iter()
        .map(|walk| {
            let led_by = walk.led_by.iter().map(|condition| format!(" AND {condition}"));
            format!(
                "SELECT t.token_key, t.kind, g.grant_key, {state} AS state, {first} AS place{columns} \
                 FROM {tables} WHERE {conditions}{led_by}",
                first = walk.first,
                tables = walk.tables,
                conditions = statement.conditions(),
                led_by = led_by.collect::<String>(),
            )
        })
        .collect();
    let sql = format!("{} ORDER BY {order} LIMIT {limit}", selects.join(" UNION ALL "));
    (sql, statement.into_parameters())
}

fn read_found(row: &Row<'_, '_>) -> Result<FoundToken, StoreError> {
    let identifier = row.identifier("token_key")?;
    let kind = match row.get::<String>("kind")?.as_str() {
        "refresh" => TokenKind::RefreshToken,
        _ => TokenKind::AccessToken,
    };
    Ok(FoundToken {
        identifier,
        kind,
        grant: row.identifier("grant_key")?,
        state: row.parse("state")?,
        place: Place {
            first: row.get("place")?,
            token: identifier.as_i64(),
        },
    })
}

fn read_overview(row: &Row<'_, '_>) -> Result<TokenOverview, StoreError> {
    let FoundToken {
        identifier,
        kind,
        grant,
        state,
        place,
    } = read_found(row)?;
    Ok(TokenOverview {
        identifier,
        kind,
        grant,
        scope: row.parse("scope")?,
        resources: row.parse("resources")?,
        issued_at: row.timestamp("issued_at")?,
        expires_at: row.timestamp("expires_at")?,
        last_used_at: row.optional_timestamp("last_used_at")?,
        client: row.parse("client_id")?,
        owner: row.parse("username")?,
        state,
        place,
    })
}

impl ReadTransaction<'_> {
    /// A page of the tokens that a selector means: at most `limit`, after `after`.
    pub fn tokens(
        &self,
        selector: &TokenSelector,
        after: Option<TokenCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TokenOverview>, StoreError> {
        let asked = statement(OVERVIEW, selector, after, limit, now);
        self.page(asked, limit, read_overview, |token| token.identifier)
    }

    /// As [`tokens`](Self::tokens), with no more of each than revoking it needs.
    pub fn found_tokens(
        &self,
        selector: &TokenSelector,
        after: Option<TokenCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<FoundToken>, StoreError> {
        let asked = statement("", selector, after, limit, now);
        self.page(asked, limit, read_found, |token| token.identifier)
    }

    fn page<T>(
        &self,
        (sql, parameters): (String, Vec<Value>),
        limit: u32,
        read: impl Fn(&Row<'_, '_>) -> Result<T, StoreError>,
        identifier: impl Fn(&T) -> Identifier,
    ) -> Result<Vec<T>, StoreError> {
        let mut prepared = self.connection().prepare_cached(&sql)?;
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&Row::of("tokens", row))?);
        }
        found.dedup_by_key(|token| identifier(token));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Where a token stands in the order in which a selector gives tokens; `None` where there is no such token.
    pub fn token_cursor(
        &self,
        selector: &TokenSelector,
        token: Identifier,
    ) -> Result<Option<TokenCursor>, StoreError> {
        let first = match Driver::of(selector) {
            Driver::Client | Driver::Owner | Driver::Scope => "t.grant_key",
            other => other.first(),
        };
        let sql = format!("SELECT {first} FROM tokens t WHERE t.token_key = ?1");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let first: Option<i64> = statement
            .query_map([token.as_i64()], |row| row.get(0))?
            .next()
            .transpose()?;
        Ok(first.map(|first| {
            TokenCursor(Place {
                first,
                token: token.as_i64(),
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// What SQLite means to do for a selector.
    fn plan(selector: &TokenSelector) -> String {
        let connection = Connection::open_in_memory().unwrap();
        for step in super::super::migrations::steps() {
            connection.execute_batch(step).unwrap();
        }
        let now = Timestamp::from_millis(5);
        let cursor = TokenCursor(Place { first: 1, token: 1 });
        let mut plans = String::new();
        for after in [None, Some(cursor)] {
            let (sql, parameters) = statement(OVERVIEW, selector, after, 50, now);
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let lines = explain
                .query_map(rusqlite::params_from_iter(parameters), |row| {
                    row.get::<_, String>("detail")
                })
                .unwrap();
            plans.extend(lines.map(|line| line.unwrap() + "\n"));
        }
        plans
    }

    fn selector(fill: impl FnOnce(&mut TokenSelector)) -> TokenSelector {
        let mut selector = TokenSelector::default();
        fill(&mut selector);
        selector
    }

    /// Each selector alone, and those together of which one could lead the other astray.
    fn selectors() -> Vec<(&'static str, TokenSelector)> {
        let at = Timestamp::from_millis(1);
        vec![
            ("none", selector(|_| {})),
            ("ids", selector(|s| s.identifiers = vec![Identifier::at(at, 1)])),
            ("grant", selector(|s| s.grant = Some(Identifier::at(at, 1)))),
            ("client", selector(|s| s.client = "c".parse().ok())),
            ("owner", selector(|s| s.owner = "o".parse().ok())),
            ("scope", selector(|s| s.scope = "s".parse().ok())),
            ("access", selector(|s| s.kind = Some(TokenKind::AccessToken))),
            ("refresh", selector(|s| s.kind = Some(TokenKind::RefreshToken))),
            ("older than", selector(|s| s.issued_before = Some(at))),
            ("unused", selector(|s| s.unused_since = Some(at))),
            ("expired", selector(|s| s.expired = true)),
            ("active", selector(|s| s.state = Some(TokenState::Active))),
            ("state expired", selector(|s| s.state = Some(TokenState::Expired))),
            ("revoked", selector(|s| s.state = Some(TokenState::Revoked))),
            ("rotated", selector(|s| s.state = Some(TokenState::Rotated))),
            (
                "access and rotated",
                selector(|s| {
                    s.kind = Some(TokenKind::AccessToken);
                    s.state = Some(TokenState::Rotated);
                }),
            ),
            (
                "client and unused",
                selector(|s| {
                    s.client = "c".parse().ok();
                    s.unused_since = Some(at);
                }),
            ),
            (
                "client, owner and refresh",
                selector(|s| {
                    s.client = "c".parse().ok();
                    s.owner = "o".parse().ok();
                    s.kind = Some(TokenKind::RefreshToken);
                }),
            ),
            (
                "scope and expired",
                selector(|s| {
                    s.scope = "s".parse().ok();
                    s.expired = true;
                }),
            ),
            (
                "grant and older than",
                selector(|s| {
                    s.grant = Some(Identifier::at(at, 1));
                    s.issued_before = Some(at);
                }),
            ),
        ]
    }

    #[test]
    fn no_selector_scans_or_sorts() {
        for (name, selector) in selectors() {
            let plan = plan(&selector);
            assert!(!plan.contains("USE TEMP B-TREE"), "{name} sorts:\n{plan}");
            let scans: Vec<&str> = plan
                .lines()
                .filter(|line| line.starts_with("SCAN") && !line.contains("json_each"))
                .collect();
            // A walk along the key, in the order that is asked for, ends with the page.
            let walks = Driver::of(&selector) == Driver::Key && selector.identifiers.is_empty();
            // These hold nothing but what is asked for.
            let lists = ["refresh_tokens", "revoked_tokens", "ended_grants"];
            let in_order = scans.iter().all(|line| {
                let is_list = lists
                    .iter()
                    .any(|list| line.ends_with(&format!("USING INDEX {list}")));
                is_list || (walks && *line == "SCAN t")
            });
            assert!(in_order, "{name} scans:\n{plan}");
        }
    }
}
