//! Single steps of a request, without a network: the store, tokens, paths, pages.

#![allow(missing_docs, reason = "criterion makes the functions")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use oauthctl::clock::{Clock, SystemClock};
use oauthctl::domain::client::ClientKey;
use oauthctl::domain::coverage::{Coverage, Method, RequestPath, Requested};
use oauthctl::domain::identifier::IdentifierSource;
use oauthctl::domain::owner::OwnerKey;
use oauthctl::domain::resource::ResourceSet;
use oauthctl::domain::secret::Secret;
use oauthctl::domain::token::{AccessToken, TokenKind, TokenValue};
use oauthctl::entropy::{OsEntropy, SeededEntropy};
use oauthctl::http::pages::{Approval, ClientView, HiddenField, Pages, ScopeView, SignOut};
use oauthctl::store::{NewGrant, Store, StoreError, StoreOptions};

const SOUND: &str = "it is sound, as the program's tests know";

/// A store with one grant, and an access token for each call.
struct World {
    store: Store,
    tokens: IdentifierSource,
    grant: oauthctl::domain::identifier::Identifier,
    _directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let path = directory.path().join("micro.db");
        let options = StoreOptions {
            path: path.clone(),
            busy_timeout: Duration::from_secs(5),
            readers: 1,
            waiting_writes: 16,
        };
        let store = Store::open(options).expect(SOUND);
        rusqlite::Connection::open(&path)
            .and_then(|connection| {
                connection.execute_batch(
                    "INSERT INTO clients VALUES (1, 'orders-web', 'Orders', '', 1, 1, 3600000, 60000, NULL, 9, 9, 0); \
                     INSERT INTO resource_owners VALUES (1, 'alice', '', 1, 0)",
                )
            })
            .expect(SOUND);
        let tokens = IdentifierSource::default();
        let now = SystemClock.now();
        let grant = tokens.next(now, &OsEntropy).expect("randomness");
        let new = NewGrant {
            identifier: grant,
            client: ClientKey(1),
            owner: OwnerKey(1),
            scope: "orders:read".parse().expect(SOUND),
            resources: ResourceSet::default(),
            created_at: now,
            form_nonce: [0; 16],
        };
        store
            .write::<_, StoreError>(move |tx| tx.insert_grant(&new))
            .expect(SOUND);
        Self {
            store,
            tokens,
            grant,
            _directory: directory,
        }
    }

    fn token(&self) -> AccessToken {
        let now = SystemClock.now();
        AccessToken {
            identifier: self.tokens.next(now, &OsEntropy).expect("randomness"),
            grant: self.grant,
            secret_hash: secret().hash(),
            scope: "orders:read".parse().expect(SOUND),
            resources: ResourceSet::default(),
            issued_at: now,
            expires_at: now.after(Duration::from_secs(3600)),
            revoked_at: None,
        }
    }

    fn insert(&self) -> AccessToken {
        let token = self.token();
        let stored = token.clone();
        self.store
            .write::<_, StoreError>(move |tx| tx.insert_access_token(&stored))
            .expect(SOUND);
        token
    }
}

fn secret() -> Secret {
    Secret::generate(&SeededEntropy::new(1)).expect("randomness")
}

fn store(criterion: &mut Criterion) {
    let world = World::new();
    let token = world.insert();
    criterion.bench_function("store: read an access token", |bencher| {
        bencher.iter(|| {
            world
                .store
                .read::<_, StoreError>(|tx| tx.access_token(black_box(token.identifier)))
                .expect(SOUND)
        });
    });
    criterion.bench_function(
        "store: read the client, the owner and the grant of it",
        |bencher| {
            bencher.iter(|| {
                world
                    .store
                    .read::<_, StoreError>(|tx| {
                        let client = tx.client_by_key(black_box(ClientKey(1)))?;
                        Ok((client, tx.owner_by_key(OwnerKey(1))?, tx.grant(world.grant)?))
                    })
                    .expect(SOUND)
            });
        },
    );
    criterion.bench_function("store: one durable write", |bencher| {
        bencher.iter(|| world.insert());
    });
}

fn tokens(criterion: &mut Criterion) {
    let identifier = IdentifierSource::default().next(SystemClock.now(), &OsEntropy);
    let value = TokenValue::new(TokenKind::AccessToken, identifier.expect("randomness"), secret());
    let text = value.reveal();
    criterion.bench_function("token: read", |bencher| {
        bencher.iter(|| TokenValue::parse(black_box(&text)));
    });
    criterion.bench_function("token: write", |bencher| {
        bencher.iter(|| black_box(&value).reveal());
    });
    criterion.bench_function("token: hash", |bencher| {
        bencher.iter(|| black_box(&value).secret().hash());
    });
    criterion.bench_function("token: make", |bencher| {
        bencher.iter(|| {
            Secret::generate(black_box(&OsEntropy))
                .expect("randomness")
                .hash()
        });
    });
}

fn paths(criterion: &mut Criterion) {
    let path = "/shops/berlin/orders/4711/lines/3";
    criterion.bench_function("path: read", |bencher| {
        bencher.iter(|| RequestPath::parse(black_box(path)).is_ok());
    });
    let mut coverage = Coverage::default();
    for folder in 0..20 {
        coverage
            .folders
            .insert(format!("folder{folder}.inner").parse().expect(SOUND));
    }
    for route in 0..20 {
        let text = format!("GET /shops/{{shop}}/orders{route}/{{order}}/**");
        coverage.routes.insert(text.parse().expect(SOUND));
    }
    coverage
        .routes
        .insert("GET /shops/{shop}/orders/{order}/**".parse().expect(SOUND));
    let request = |path: &str| {
        let method: Method = "GET".parse().expect(SOUND);
        Requested::request(method, RequestPath::parse(path).expect(SOUND))
    };
    let (covered, other) = (request(path), request("/shops/berlin/baskets/4711"));
    assert!(
        coverage.covers(&covered).is_some() && coverage.covers(&other).is_none(),
        "{SOUND}"
    );
    criterion.bench_function("path: match, the last of 21 routes", |bencher| {
        bencher.iter(|| coverage.covers(black_box(&covered)).is_some());
    });
    criterion.bench_function("path: match none of 21 routes", |bencher| {
        bencher.iter(|| coverage.covers(black_box(&other)).is_some());
    });
}

fn pages(criterion: &mut Criterion) {
    criterion.bench_function("pages: compile the templates", |bencher| {
        bencher.iter(|| Pages::new(black_box("Example")));
    });
    let pages = Pages::new("Example");
    let hidden = |name: &str| HiddenField {
        name: name.to_owned(),
        value: "x".repeat(200),
    };
    let page = Approval {
        action: "/authorize".to_owned(),
        hidden: vec![hidden("request"), hidden("form_token")],
        client: ClientView {
            name: "Orders Web".to_owned(),
            description: Some("Shows what you have ordered".to_owned()),
            return_to: "https://orders.example".to_owned(),
        },
        username: "alice".to_owned(),
        scopes: vec![ScopeView {
            scope: "orders:read".to_owned(),
            description: "Read your orders".to_owned(),
            folders: vec!["orders".to_owned()],
            services: Vec::new(),
            routes: vec!["GET /orders/{id}".to_owned()],
        }],
        resources: Vec::new(),
        access_for: "1 hour".to_owned(),
        remember: None,
        refresh: Some("30 days".to_owned()),
        account_url: "/account".to_owned(),
        sign_out: SignOut {
            action: "/logout".to_owned(),
            hidden: vec![hidden("form_token")],
        },
    };
    criterion.bench_function("pages: render the approval", |bencher| {
        bencher.iter(|| pages.spoken(None).approval(black_box(&page)).expect(SOUND));
    });
}

criterion_group!(benches, store, tokens, paths, pages);
criterion_main!(benches);
