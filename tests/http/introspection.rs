//! Introspection as libraries read it that nobody here wrote: what each sends, which members it takes, and as which kind
//! of JSON value. A member of another kind is an exception in one of them and a silent refusal in the next.

use serde_json::{Map, Value, json};

use crate::support::flow::{Tokens, VERIFIER, approve, authorize_with, signed_in};
use crate::support::home::{Client, Home, REDIRECT_URI};
use crate::support::http::{Answer, encode, send};
use crate::support::server::Server;

const ORDERS: &str = "https://api.example/orders";
const STOCK: &str = "https://api.example/stock";

/// A server with two resources, a resource server for each and one for none.
struct World {
    server: Server,
    client: Client,
    orders: Client,
    everything: Client,
}

impl World {
    fn new() -> Self {
        let home = Home::furnished();
        let serving = |name: &str, resource: &str| {
            let arguments = ["resource-server", "register", name, "--resource", resource];
            let printed = home.run(&arguments, "");
            let text = |key: &str| printed[key].as_str().unwrap().to_owned();
            Client::new(&text("resource_server_id"), &text("resource_server_secret"))
        };
        let orders = serving("Orders", ORDERS);
        serving("Stock", STOCK);
        let everything = home.resource_server("Everything");
        let client = home.client("orders", &[]);
        Self {
            server: Server::over(home),
            client,
            orders,
            everything,
        }
    }

    /// An access token for these resources.
    fn token(&self, resources: &[&str]) -> String {
        let more: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
        let answer = approve(&mut signed_in(&self.server), &authorize_with(&self.client, &more));
        let code = answer.parameter("code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        Tokens::of(&self.server.post("/token", &self.client, &form)).access
    }

    fn introspect(&self, caller: &Client, token: &str) -> Answer {
        self.server.post("/introspect", caller, &[("token", token)])
    }
}

/// How a library takes a member.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// The literal `true`.
    True,
    /// A text that is not empty.
    Text,
    /// Words with one space between two of them.
    Words,
    /// Whole seconds since 1970, more than 0: not a float, not a text.
    Seconds,
    /// A text, or a list of texts.
    TextOrList,
    /// Nothing: it must not be there.
    Absent,
}

impl Takes {
    fn accepts(self, value: &Value) -> bool {
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        match self {
            Self::True => *value == json!(true),
            Self::Text => is_text(value),
            Self::Words => is_text(value) && value.as_str().unwrap().split(' ').all(|word| !word.is_empty()),
            Self::Seconds => value.as_i64().is_some_and(|seconds| seconds > 0),
            Self::TextOrList => {
                is_text(value) || value.as_array().is_some_and(|list| list.iter().all(is_text))
            }
            Self::Absent => value.is_null(),
        }
    }
}

/// What each library reads of an active token. An absent `aud` is for a token that is bound to no resource.
const READERS: [(&str, &[(&str, Takes)]); 4] = [
    (
        // `exp` is when its cache forgets the answer; `error` would make any answer a failure; the remote user is `sub`.
        "mod_auth_openidc",
        &[
            ("active", Takes::True),
            ("error", Takes::Absent),
            ("exp", Takes::Seconds),
            ("sub", Takes::Text),
            ("scope", Takes::Words),
            ("client_id", Takes::Text),
            // A member of this name would be taken for the whole answer.
            ("access_token", Takes::Absent),
        ],
    ),
    (
        // It splits the scope at each space, and makes an authority of each piece.
        "Spring Security, SpringOpaqueTokenIntrospector",
        &[
            ("active", Takes::True),
            ("aud", Takes::TextOrList),
            ("client_id", Takes::Text),
            ("exp", Takes::Seconds),
            ("iat", Takes::Seconds),
            ("iss", Takes::Text),
            ("nbf", Takes::Absent),
            ("scope", Takes::Words),
            ("sub", Takes::Text),
            ("username", Takes::Text),
        ],
    ),
    (
        "authlib, IntrospectTokenValidator and IntrospectionToken",
        &[
            ("active", Takes::True),
            ("scope", Takes::Words),
            ("client_id", Takes::Text),
            ("username", Takes::Text),
            ("token_type", Takes::Text),
            ("exp", Takes::Seconds),
            ("iat", Takes::Seconds),
            ("sub", Takes::Text),
            ("aud", Takes::TextOrList),
            ("iss", Takes::Text),
        ],
    ),
    (
        // With `active_attribute = active`, `active_value = true` and `username_attribute = username`.
        "Dovecot, passdb oauth2",
        &[
            ("active", Takes::True),
            ("username", Takes::Text),
            ("scope", Takes::Words),
            ("aud", Takes::TextOrList),
        ],
    ),
];

#[test]
fn each_library_finds_what_it_reads_in_the_kind_that_it_takes() {
    let world = World::new();
    for (resources, audience) in [
        (&[][..], Value::Null),
        (&[ORDERS], json!(ORDERS)),
        (&[STOCK, ORDERS], json!([ORDERS, STOCK])),
    ] {
        let token = world.token(resources);
        for caller in [&world.client, &world.orders, &world.everything] {
            let answer = world.introspect(caller, &token);
            assert_eq!(answer.status, 200);
            let told = answer.json();
            for (library, members) in READERS {
                for (member, takes) in members {
                    let takes = if *member == "aud" && resources.is_empty() {
                        Takes::Absent
                    } else {
                        *takes
                    };
                    let value = &told[*member];
                    assert!(
                        takes.accepts(value),
                        "{library}: {member} is {value}, taken is {takes:?}"
                    );
                }
            }
            assert_eq!(told["aud"], audience);
            assert_eq!(told.get("aud").is_some(), !resources.is_empty(), "never null");
        }
    }
}

/// Dovecot keeps members that are texts, numbers or literals, as text, and passes over lists and objects.
#[test]
fn a_reader_of_flat_texts_finds_one_audience() {
    let world = World::new();
    let flat = |told: &Value| -> Map<String, Value> {
        let members = told.as_object().unwrap().iter();
        let texts = members.filter_map(|(name, value)| match value {
            Value::Array(_) | Value::Object(_) => None,
            Value::String(text) => Some((name.clone(), json!(text))),
            other => Some((name.clone(), json!(other.to_string()))),
        });
        texts.collect()
    };
    let told = flat(&world.introspect(&world.orders, &world.token(&[ORDERS])).json());
    for (member, text) in [
        ("active", "true"),
        ("username", "alice"),
        ("scope", "orders:read stock"),
        ("aud", ORDERS),
    ] {
        assert_eq!(told[member], text);
    }
    let told = flat(
        &world
            .introspect(&world.orders, &world.token(&[ORDERS, STOCK]))
            .json(),
    );
    assert_eq!((&told["active"], told.get("aud")), (&json!("true"), None));
}

#[test]
fn each_library_is_answered_as_it_asks() {
    let world = World::new();
    let token = world.token(&[ORDERS]);
    let url = world.server.url("/introspect");
    let basic = world.orders.basic();
    let secret = [
        ("client_id", world.orders.id.as_str()),
        ("client_secret", world.orders.secret.as_str()),
    ];
    let only = [("token", token.as_str())];
    let hinted = [&only[..], &[("token_type_hint", "access_token")]].concat();
    for (library, headers, form) in [
        (
            "mod_auth_openidc, client_secret_basic",
            &[("Authorization", basic.as_str())][..],
            hinted.clone(),
        ),
        (
            "mod_auth_openidc, client_secret_post",
            &[],
            [&hinted[..], &secret].concat(),
        ),
        (
            "Spring Security",
            &[
                ("Authorization", &basic),
                ("Accept", "application/json"),
                ("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8"),
            ],
            only.to_vec(),
        ),
        (
            "authlib, OAuth2Session.introspect_token",
            &[("Authorization", &basic), ("Accept", "application/json")],
            hinted.clone(),
        ),
        (
            "Dovecot, introspection_mode = post, with client_id and client_secret",
            &[],
            [&only[..], &secret].concat(),
        ),
        (
            "Dovecot, introspection_mode = post, with both in the URL",
            &[("Authorization", &basic)],
            [&only[..], &[("client_id", ""), ("client_secret", "")]].concat(),
        ),
        (
            // RFC 9701 §4: a signed answer may be asked for, and plain JSON is one that may be given.
            "whoever would rather have it signed",
            &[
                ("Authorization", &basic),
                ("Accept", "application/token-introspection+jwt"),
            ],
            only.to_vec(),
        ),
    ] {
        let answer = send("POST", &url, headers, Some(&encode(&form)));
        assert_eq!(
            (answer.status, &answer.json()["active"]),
            (200, &json!(true)),
            "{library}"
        );
    }
}

#[test]
fn what_a_resource_server_may_not_know_is_inactive_and_nothing_else() {
    let world = World::new();
    for (resources, is_told) in [(&[STOCK][..], false), (&[STOCK, ORDERS], true), (&[], true)] {
        let told = world.introspect(&world.orders, &world.token(resources));
        assert_eq!(told.status, 200);
        assert_eq!(told.json()["active"], is_told, "{resources:?}");
        assert_eq!(told.body == r#"{"active":false}"#, !is_told);
    }
}
