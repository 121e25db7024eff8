//! The server that the refusals are tried on, and what can happen there before a request.

use std::collections::BTreeMap;

use crate::support::browser::Browser;
use crate::support::flow::{self, CHALLENGE, Tokens, VERIFIER};
use crate::support::home::{Client, Home, REDIRECT_URI};
use crate::support::http::{encode, pairs};
use crate::support::server::Server;

/// A verifier that answers another challenge.
const ANOTHER_VERIFIER: &str = "a-verifier-that-answers-some-other-challenge-0000";

/// The clients and resource servers, by the names that the table uses.
const CLIENTS: [(&str, &[&str]); 8] = [
    ("orders", &[]),
    ("other", &[]),
    ("reader", &["--scope", "orders:read"]),
    (
        "several",
        &["--redirect-uri", REDIRECT_URI, "http://127.0.0.1/cb"],
    ),
    ("lax", &["--no-pkce"]),
    ("never", &["--refresh", "none"]),
    ("once", &["--refresh", "1"]),
    ("disabled", &[]),
];

/// A server with all of them, and a browser in which `alice` is signed in.
pub(super) struct World {
    pub(super) server: Server,
    pub(super) browser: Browser,
    callers: BTreeMap<&'static str, Client>,
    foreign_code: String,
    foreign: Tokens,
}

/// What a client has in its hands when it sends a request.
pub(super) struct Hand {
    pub(super) code: String,
    /// Every access token that came of the code.
    pub(super) access: Vec<String>,
    /// The refresh token that is presented.
    pub(super) refresh: String,
    /// The newest refresh token.
    newest: String,
}

/// A request that authenticates and carries a form.
pub(super) struct Form<'a> {
    pub(super) path: &'a str,
    pub(super) authorization: Option<String>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: String,
}

impl World {
    pub(super) fn new() -> Self {
        let home = Home::furnished();
        let mut callers = BTreeMap::new();
        for (id, options) in CLIENTS {
            // Long enough for any machine; codes expire where a row says so.
            let options = [options, &["--code-lifetime", "10m"]].concat();
            callers.insert(id, home.client(id, &options));
        }
        callers.insert("warehouse", home.resource_server("Warehouse"));
        home.sql("UPDATE clients SET enabled = 0 WHERE client_id = 'disabled'", &[]);
        // The rows fail more often than the throttle would have it; that has tests of its own.
        let server = Server::with(home, |command| command.env("OAUTHCTL_LIMITS_FAILURES", "1000"));
        let mut browser = flow::signed_in(&server);
        let foreign = flow::tokens(&server, &mut browser, &callers["other"]);
        let foreign_code = flow::code(&mut browser, &callers["other"]);
        Self {
            server,
            browser,
            callers,
            foreign_code,
            foreign,
        }
    }

    /// A client or the resource server by its name in the table.
    pub(super) fn caller(&self, name: &str) -> &Client {
        self.callers
            .get(name)
            .unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// A fresh code of this client, and tokens where they are needed.
    pub(super) fn hand(&mut self, client: &str, given: Option<&str>, with_tokens: bool) -> Hand {
        let client = self.caller(client).clone();
        let mut path = flow::authorize(&client);
        let has_challenge = given != Some("the request had no challenge");
        if !has_challenge {
            let (_, query) = path.split_once('?').unwrap();
            let mut request = pairs(query);
            request.retain(|(name, _)| !name.starts_with("code_challenge"));
            path = format!("/authorize?{}", encode(&request));
        }
        let code = flow::approve(&mut self.browser, &path).parameter("code").unwrap();
        let mut hand = Hand {
            code,
            access: Vec::new(),
            refresh: String::new(),
            newest: String::new(),
        };
        if with_tokens {
            self.exchange(&client, &mut hand);
        }
        if has_challenge && let Some(given) = given {
            self.happen(given, &client, &mut hand);
        }
        hand
    }

    fn exchange(&self, client: &Client, hand: &mut Hand) {
        let tokens = Tokens::of(&flow::exchange(&self.server, client, &hand.code));
        hand.access.push(tokens.access);
        hand.refresh.clone_from(&tokens.refresh);
        hand.newest = tokens.refresh;
    }

    fn refresh(&self, client: &Client, hand: &mut Hand) {
        let tokens = Tokens::of(&flow::refresh(&self.server, client, &hand.newest));
        hand.access.push(tokens.access);
        hand.newest = tokens.refresh;
    }

    /// Lets happen what a row's `given` says.
    fn happen(&self, given: &str, client: &Client, hand: &mut Hand) {
        let sql = |statement: &str, parameters: &[&str]| {
            let changed = self.server.home.sql(statement, parameters);
            assert_ne!(changed, 0, "`{given}` changes something");
        };
        let id = client.id.as_str();
        let of_client = "client_key = (SELECT client_key FROM clients WHERE client_id = ?)";
        let newest_grant = "grant_key = (SELECT max(grant_key) FROM grants)";
        match given {
            "the code was exchanged" => self.exchange(client, hand),
            "the code was exchanged and has expired" => {
                self.exchange(client, hand);
                sql("UPDATE authorization_codes SET expires_at = 0", &[]);
            }
            "the code has expired" => sql("UPDATE authorization_codes SET expires_at = 0", &[]),
            "the refresh token has expired" => {
                sql("UPDATE tokens SET expires_at = 0 WHERE kind = 'refresh'", &[]);
            }
            "the access token has expired" => {
                sql("UPDATE tokens SET expires_at = 0 WHERE kind = 'access'", &[]);
            }
            "the grant may not be refreshed any longer" => {
                sql("UPDATE grants SET refresh_ends_at = 0", &[]);
            }
            "the approval was taken back" => sql(
                &format!(
                    "UPDATE grants SET ended_at = created_at, end_cause = 'taken_back' WHERE {newest_grant}"
                ),
                &[],
            ),
            "the refresh token was revoked" => self.revoke(client, &hand.refresh),
            "the access token was revoked" => self.revoke(client, &hand.access[0]),
            "the successor of the refresh token was used" => {
                self.refresh(client, hand);
                self.refresh(client, hand);
            }
            "the refresh token is the successor" => {
                self.refresh(client, hand);
                hand.refresh.clone_from(&hand.newest);
            }
            "the client is disabled" => sql("UPDATE clients SET enabled = 0 WHERE client_id = ?", &[id]),
            "the resource owner is disabled" => sql("UPDATE resource_owners SET enabled = 0", &[]),
            "the client has no scopes any more" => {
                sql(&format!("DELETE FROM client_scopes WHERE {of_client}"), &[id]);
            }
            "the client may not have stock any more" => {
                let stock = "scope_key = (SELECT scope_key FROM scopes WHERE scope = 'stock')";
                sql(
                    &format!("DELETE FROM client_scopes WHERE {of_client} AND {stock}"),
                    &[id],
                );
            }
            "the scope orders:read does not open the folder orders any more" => {
                sql("DELETE FROM scope_openings WHERE pattern = 'orders'", &[]);
            }
            _ => panic!("nobody knows how this happens: {given}"),
        }
    }

    fn revoke(&self, client: &Client, token: &str) {
        let answer = self.server.post("/revoke", client, &[("token", token)]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    }

    /// Undoes what can be undone of what happened.
    pub(super) fn mend(&self) {
        let sql = |statement| self.server.home.sql(statement, &[]);
        sql("UPDATE clients SET enabled = 1 WHERE client_id != 'disabled'");
        sql("UPDATE resource_owners SET enabled = 1");
        sql(
            "INSERT OR IGNORE INTO client_scopes SELECT client_key, scope_key FROM clients, scopes \
             WHERE client_id != 'reader' OR scope = 'orders:read'",
        );
        sql(
            "INSERT OR IGNORE INTO scope_openings SELECT scope_key, 'folder', 'orders' FROM scopes \
             WHERE scope = 'orders:read'",
        );
    }

    /// How things stand after a refusal.
    pub(super) fn stands(&self, then: &str, client: &str, right: &Form<'_>, hand: &Hand) {
        self.mend();
        let client = self.caller(client);
        let live = || hand.access.iter().map(|token| self.server.opens(token));
        match then {
            "the right request works" => {
                let answer = self.send(right);
                assert_eq!(answer.status, 200, "the right request works: {answer:?}");
            }
            "the access token is dead" => assert!(!live().any(|lives| lives), "the token is dead"),
            "all tokens are dead" => {
                assert!(!live().any(|lives| lives), "the access tokens are dead");
                let answer = flow::refresh(&self.server, client, &hand.newest);
                assert_eq!(answer.status, 400, "the refresh token is dead: {answer:?}");
            }
            "all tokens live" => {
                assert!(live().all(|lives| lives), "the access tokens live");
                let answer = flow::refresh(&self.server, client, &hand.newest);
                assert_eq!(answer.status, 200, "the refresh token lives: {answer:?}");
            }
            _ => panic!("nobody knows how to look at this: {then}"),
        }
    }

    /// Sends a form.
    pub(super) fn send(&self, form: &Form<'_>) -> crate::support::http::Answer {
        let mut headers = Vec::new();
        headers.extend(
            form.authorization
                .as_deref()
                .map(|value| ("Authorization", value)),
        );
        headers.extend(form.content_type.map(|value| ("Content-Type", value)));
        crate::support::http::send("POST", &self.server.url(form.path), &headers, Some(&form.body))
    }

    /// The `Authorization` field for what a row says; `client` is who is right.
    pub(super) fn authorization(&self, client: &str, who: Option<&str>) -> Option<String> {
        let client = self.caller(client);
        match who {
            None => Some(client.basic()),
            Some("nobody") => None,
            Some("wrong secret") => Some(Client::new(&client.id, "wrong").basic()),
            Some("unknown client") => Some(Client::new("nobody", &client.secret).basic()),
            Some(name) => Some(self.caller(name).basic()),
        }
    }

    /// Puts in what stands in braces.
    pub(super) fn put_in(&self, text: &str, client: &str, hand: Option<&Hand>) -> String {
        let mut text = text.to_owned();
        while let Some((before, rest)) = text.split_once('{') {
            let (name, after) = rest.split_once('}').unwrap();
            text = format!("{before}{}{after}", self.value(name, client, hand));
        }
        text
    }

    fn value(&self, name: &str, client: &str, hand: Option<&Hand>) -> String {
        let mixed = |secret_of: &str| {
            let credentials = Client::new("orders", &self.caller(secret_of).secret);
            credentials.basic().strip_prefix("Basic ").unwrap().to_owned()
        };
        match (name, hand) {
            ("challenge", _) => CHALLENGE.to_owned(),
            ("verifier", _) => VERIFIER.to_owned(),
            ("another verifier", _) => ANOTHER_VERIFIER.to_owned(),
            ("secret", _) => self.caller(client).secret.clone(),
            ("warehouse", _) => self.caller("warehouse").id.clone(),
            ("warehouse secret", _) => self.caller("warehouse").secret.clone(),
            ("orders:secret of other", _) => mixed("other"),
            ("orders:secret of orders", _) => mixed("orders"),
            ("foreign code", _) => self.foreign_code.clone(),
            ("foreign refresh token", _) => self.foreign.refresh.clone(),
            ("code", Some(hand)) => hand.code.clone(),
            ("code with another secret", Some(hand)) => with_another_secret(&hand.code),
            ("access token", Some(hand)) => hand.access[0].clone(),
            ("access token with another secret", Some(hand)) => with_another_secret(&hand.access[0]),
            ("refresh token", Some(hand)) => hand.refresh.clone(),
            ("refresh token with another secret", Some(hand)) => with_another_secret(&hand.refresh),
            _ => panic!("nobody knows what {{{name}}} is"),
        }
    }
}

/// The same prefix and identifier, and 256 other bits.
fn with_another_secret(token: &str) -> String {
    format!("{}{}", &token[..17], "A".repeat(43))
}

/// Applies changes to pairs that stand as on the wire.
pub(super) fn change(request: &mut Vec<(String, String)>, changes: &[String]) {
    for change in changes {
        if let Some(name) = change.strip_prefix('-') {
            let before = request.len();
            request.retain(|(found, _)| found != name);
            assert_ne!(request.len(), before, "nothing to remove: {change}");
            continue;
        }
        let (name, value) = change.split_once('=').unwrap();
        let added = name.strip_prefix('+');
        let name = added.unwrap_or(name);
        let old = request.iter_mut().find(|(found, _)| found == name);
        match (added, old) {
            (None, Some((_, old))) => value.clone_into(old),
            _ => request.push((name.to_owned(), value.to_owned())),
        }
    }
}

/// Pairs as they go out; nothing is encoded any more.
pub(super) fn join(request: &[(String, String)]) -> String {
    let pairs: Vec<String> = request
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}
