//! Lists of tokens against a filter that looks at every token: whatever is asked for, on pages of whatever size, the same
//! tokens, each once.

use std::collections::BTreeSet;

use oauthctl::clock::Timestamp;
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::token::TokenKind;
use oauthctl::domain::token_state::TokenState;
use oauthctl::store::{Store, TokenOverview, TokenSelector};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::{Connection, params};

use crate::support::{START, World, store_options};

/// Instants that all happens at, so that much falls together.
const INSTANTS: i64 = 6;

fn at(instant: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + instant)
}

const NOW: i64 = 3;

#[derive(Debug, Clone)]
struct Grant {
    client: i64,
    owner: i64,
    has_invoices: bool,
    ended: bool,
}

#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "as a token's row has them, each by itself"
)]
struct Token {
    grant: usize,
    is_refresh: bool,
    /// Of an access token: whether it is for `orders` alone.
    is_narrow: bool,
    issued: i64,
    /// How far the clock stepped back after the key before this one.
    stepped_back: i64,
    expires: i64,
    used: Option<i64>,
    revoked: bool,
    rotated: bool,
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let grant = (0_i64..3, 0_i64..2, any::<bool>(), prop::bool::weighted(0.3)).prop_map(
        |(client, owner, has_invoices, ended)| Grant {
            client,
            owner,
            has_invoices,
            ended,
        },
    );
    prop::collection::vec(grant, 1..5)
}

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let token = (
        (any::<prop::sample::Index>(), any::<bool>(), any::<bool>()),
        (0..INSTANTS, prop_oneof![3 => Just(0), 1 => 0..INSTANTS]),
        (0..INSTANTS, prop::option::of(0..INSTANTS)),
        (prop::bool::weighted(0.3), prop::bool::weighted(0.3)),
    )
        .prop_map(
            |(
                (grant, is_refresh, is_narrow),
                (issued, stepped_back),
                (expires, used),
                (revoked, rotated),
            )| Token {
                grant: grant.index(1000),
                is_refresh,
                is_narrow,
                issued,
                stepped_back,
                expires,
                used,
                revoked,
                rotated: rotated && is_refresh,
            },
        );
    prop::collection::vec(token, 0..14)
}

/// Empties the tables and fills them. The keys are those of the tokens, in their order.
fn fill(connection: &Connection, grants: &[Grant], tokens: &[Token]) -> Vec<Identifier> {
    connection
        .execute_batch("BEGIN; DELETE FROM tokens; DELETE FROM grant_scopes; DELETE FROM grants")
        .unwrap();
    for (key, grant) in (1_i64..).zip(grants) {
        let scope = if grant.has_invoices {
            "invoices orders"
        } else {
            "orders"
        };
        let nonce: Vec<u8> = key.to_be_bytes().repeat(2);
        let ended = grant.ended.then_some(START.as_millis());
        connection
            .execute(
                "INSERT INTO grants (grant_key, client_key, owner_key, scope, created_at, form_nonce, ended_at, end_cause) \
                 SELECT ?1, (SELECT client_key FROM clients WHERE client_id = 'c' || ?2), \
                 (SELECT owner_key FROM resource_owners WHERE username = 'o' || ?3), ?4, 0, ?5, ?6, \
                 iif(?6 IS NULL, NULL, 'administration')",
                params![key, grant.client, grant.owner, scope, nonce, ended],
            )
            .unwrap();
        for scope in scope.split(' ') {
            connection
                .execute("INSERT INTO grant_scopes VALUES (?1, ?2)", params![scope, key])
                .unwrap();
        }
    }
    let keys = (0_u32..).zip(tokens).map(|(number, token)| {
        let key = Identifier::at(at(token.issued + token.stepped_back), number);
        let grant = token.grant % grants.len();
        let is_wide = grants[grant].has_invoices && !token.is_narrow;
        let granted = if is_wide { "invoices orders" } else { "orders" };
        let scope = (!token.is_refresh).then_some(granted);
        connection
            .execute(
                "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at, last_used_at, \
                 revoked_at, rotated_at, successor_key, successor_salt) \
                 VALUES (?1, ?2, ?3, zeroblob(32), ?4, ?5, ?6, ?7, ?8, ?9, ?9, iif(?9 IS NULL, NULL, zeroblob(32)))",
                params![
                    key.as_i64(),
                    if token.is_refresh { "refresh" } else { "access" },
                    i64::try_from(grant).unwrap() + 1,
                    scope,
                    at(token.issued).as_millis(),
                    at(token.expires).as_millis(),
                    token.used.map(|used| at(used).as_millis()),
                    token.revoked.then_some(1),
                    token.rotated.then_some(1),
                ],
            )
            .unwrap();
        key
    });
    let keys = keys.collect();
    connection.execute_batch("COMMIT").unwrap();
    keys
}

fn state(grant: &Grant, token: &Token) -> TokenState {
    if token.revoked || grant.ended {
        TokenState::Revoked
    } else if token.rotated {
        TokenState::Rotated
    } else if token.expires <= NOW {
        TokenState::Expired
    } else {
        TokenState::Active
    }
}

/// What is asked for, in the words of the test.
#[derive(Debug, Clone)]
struct Question {
    some: Option<Vec<prop::sample::Index>>,
    grant: Option<i64>,
    client: Option<i64>,
    owner: Option<i64>,
    scope: Option<&'static str>,
    kind: Option<TokenKind>,
    issued_before: Option<i64>,
    unused_since: Option<i64>,
    expired: bool,
    state: Option<TokenState>,
}

/// Rarely, so that most questions have few conditions, and all can come together.
fn rarely<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::weighted(0.2, strategy)
}

fn question() -> impl Strategy<Value = Question> {
    (
        (
            rarely(prop::collection::vec(any::<prop::sample::Index>(), 1..4)),
            rarely(1_i64..6),
            rarely(0_i64..4),
            rarely(0_i64..3),
            rarely(prop::sample::select(vec!["orders", "invoices", "place"])),
        ),
        (
            prop::option::of(prop::sample::select(vec![
                TokenKind::AccessToken,
                TokenKind::RefreshToken,
            ])),
            prop::option::of(-1..INSTANTS + 2),
            rarely(-1..INSTANTS + 2),
            prop::bool::weighted(0.2),
            prop::option::of(prop::sample::select(TokenState::ALL.to_vec())),
        ),
    )
        .prop_map(
            |((some, grant, client, owner, scope), (kind, issued_before, unused_since, expired, state))| {
                Question {
                    some,
                    grant,
                    client,
                    owner,
                    scope,
                    kind,
                    issued_before,
                    unused_since,
                    expired,
                    state,
                }
            },
        )
}

impl Question {
    fn selector(&self, keys: &[Identifier]) -> TokenSelector {
        TokenSelector {
            identifiers: self.named(keys),
            grant: self.grant.and_then(Identifier::from_i64),
            client: self.client.map(|n| format!("c{n}").parse().unwrap()),
            owner: self.owner.map(|n| format!("o{n}").parse().unwrap()),
            scope: self.scope.map(|scope| scope.parse().unwrap()),
            kind: self.kind,
            issued_before: self.issued_before.map(at),
            unused_since: self.unused_since.map(at),
            expired: self.expired,
            state: self.state,
        }
    }

    fn named(&self, keys: &[Identifier]) -> Vec<Identifier> {
        let some = self.some.iter().flatten().filter(|_| !keys.is_empty());
        some.map(|some| *some.get(keys)).collect()
    }

    fn means(&self, grants: &[Grant], token: &Token, key: Identifier, named: &[Identifier]) -> bool {
        let number = token.grant % grants.len();
        let grant = &grants[number];
        let has_invoices = grant.has_invoices && (token.is_refresh || !token.is_narrow);
        (named.is_empty() || named.contains(&key))
            && self
                .grant
                .is_none_or(|wanted| wanted == i64::try_from(number).unwrap() + 1)
            && self.client.is_none_or(|wanted| wanted == grant.client)
            && self.owner.is_none_or(|wanted| wanted == grant.owner)
            && self
                .scope
                .is_none_or(|wanted| wanted == "orders" || (wanted == "invoices" && has_invoices))
            && self
                .kind
                .is_none_or(|wanted| (wanted == TokenKind::RefreshToken) == token.is_refresh)
            && self.issued_before.is_none_or(|instant| token.issued < instant)
            && self
                .unused_since
                .is_none_or(|instant| token.used.unwrap_or(token.issued) < instant)
            && (!self.expired || token.expires <= NOW)
            && self.state.is_none_or(|wanted| wanted == state(grant, token))
    }
}

/// All pages of one size. Each begins after the last token of the one before, as its cursor says or as its name finds it.
fn pages(store: &Store, selector: &TokenSelector, size: u32, by_name: bool) -> Vec<Identifier> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .read(|tx| tx.tokens(selector, after, size, at(NOW)))
            .unwrap();
        assert!(page.len() <= size as usize);
        let Some(last) = page.last() else { return found };
        after = if by_name {
            store
                .read(|tx| tx.token_cursor(selector, last.identifier))
                .unwrap()
        } else {
            Some(TokenOverview::cursor(last))
        };
        found.extend(page.iter().map(|token| token.identifier));
        assert!(found.len() < 100, "it does not end");
    }
}

#[test]
fn whatever_is_asked_for_is_what_a_filter_over_all_tokens_finds() {
    let world = World::new();
    for n in 0..3 {
        world.client(&format!("c{n}"), |_| {});
    }
    for n in 0..2 {
        world.add_owner(&format!("o{n}"));
    }
    let connection = world.connection();
    // What is filled in need not survive anything.
    connection.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let store = Store::open(store_options(world.path())).unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let questions = prop::collection::vec(question(), 12);
    runner
        .run(&(grants(), tokens(), questions), |(grants, tokens, questions)| {
            let keys = fill(&connection, &grants, &tokens);
            for question in questions {
                let selector = question.selector(&keys);
                let expected: BTreeSet<Identifier> = tokens
                    .iter()
                    .zip(&keys)
                    .filter(|(token, key)| question.means(&grants, token, **key, &selector.identifiers))
                    .map(|(_, key)| *key)
                    .collect();
                let whole = pages(&store, &selector, 50, false);
                let found: BTreeSet<Identifier> = whole.iter().copied().collect();
                prop_assert_eq!(&found, &expected, "{:?}", selector);
                prop_assert_eq!(whole.len(), expected.len(), "one comes twice: {:?}", selector);
                for (size, by_name) in [(1, false), (1, true), (2, true), (3, false), (5, true)] {
                    prop_assert_eq!(
                        &pages(&store, &selector, size, by_name),
                        &whole,
                        "pages of {}: {:?}",
                        size,
                        selector
                    );
                }
            }
            Ok(())
        })
        .unwrap();
}
