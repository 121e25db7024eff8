//! `apply` and `export` as use cases, with generated declarations: what is applied is what is exported, and then there
//! is nothing to do.
#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use oauthctl::authorization_server::{
    AdministrationError, ApplyError, AuthorizationServer, ChainVerdict, Rules, SecretOwner,
};
use oauthctl::clock::{ManualClock, Timestamp};
use oauthctl::config::declaration::{read, write};
use oauthctl::config::settings::Tokens;
use oauthctl::domain::client::{ClientSettings, RefreshPolicy};
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::coverage::Coverage;
use oauthctl::domain::declaration::{
    Change, Declaration, DeclaredClient, DeclaredResourceServer, DeclaredScope, Thing,
};
use oauthctl::domain::issuer::Issuer;
use oauthctl::domain::text::Name;
use oauthctl::entropy::OsEntropy;
use oauthctl::protocol::refresh::RetryWindow;
use oauthctl::store::{AuditSelector, Store, StoreOptions};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use proptest::sample::subsequence;
use tempfile::TempDir;

fn server() -> (AuthorizationServer, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let server = AuthorizationServer::new(
        Store::open(StoreOptions {
            path: directory.path().join("oauthctl.db"),
            busy_timeout: Duration::from_secs(30),
            readers: 2,
            waiting_writes: 256,
        })
        .unwrap(),
        Arc::new(ManualClock::new(Timestamp::from_millis(1_767_225_600_000))),
        Arc::new(OsEntropy),
        Rules {
            session_lifetime: Duration::from_secs(60),
            form_lifetime: Duration::from_secs(60),
            refresh_retry_window: RetryWindow::UntilSuccessorIsUsed,
            failures: 10,
            failures_per_address: 100,
            password_hashes: 1,
        },
        Issuer::parse("https://id.example").unwrap(),
    );
    (server, directory)
}

fn declared(text: &str) -> Declaration {
    read(text.as_bytes(), &Tokens::default()).unwrap().declaration
}

fn apply(server: &AuthorizationServer, wanted: &Declaration, prune: bool) -> Vec<Change> {
    let plan = server.plan(wanted.clone(), prune).unwrap();
    let changes = plan.changes().to_vec();
    server.apply(plan).unwrap();
    changes
}

fn audited(server: &AuthorizationServer) -> Vec<(String, String, String)> {
    let entries = server.audit_entries(&AuditSelector::default(), 0, 100).unwrap();
    let texts = entries
        .into_iter()
        .map(|entry| (entry.action, entry.subject, entry.detail));
    texts.collect()
}

/// A segment of the name of a folder or service.
const SEGMENT: &str = "[a-zA-Z0-9'!$&()+@^_|~=\\[\\]-]{1,9}";

/// Texts of a pattern that parse. Almost all of them should: each that does not is thrown away.
fn parsed<T: FromStr + Debug>(pattern: &str) -> impl Strategy<Value = T> + use<T> {
    let texts = proptest::string::string_regex(pattern).unwrap();
    texts.prop_filter_map("it parses", |text| text.parse().ok())
}

fn span(longest: u64) -> impl Strategy<Value = Duration> {
    let seconds = (1..=longest).prop_map(Duration::from_secs);
    prop_oneof![seconds, (1_000..=longest * 1_000).prop_map(Duration::from_millis)]
}

fn scope() -> impl Strategy<Value = DeclaredScope> {
    let folders = btree_set(parsed(&format!("{SEGMENT}(\\.{SEGMENT}){{0,2}}")), 0..60);
    let services = btree_set(parsed(&format!("{SEGMENT}:{SEGMENT}")), 0..6);
    let routes = btree_set(parsed("(GET |PUT )?/[a-z']{1,9}(%22)?(/\\{[a-z]{1,3}\\})?"), 0..6);
    (parsed("\\PC{0,90}"), folders, services, routes).prop_filter_map(
        "it opens something",
        |(description, folders, services, routes)| {
            let coverage = Coverage {
                folders,
                services,
                routes,
            };
            (!coverage.is_empty()).then_some(DeclaredScope {
                description,
                coverage,
            })
        },
    )
}

fn client(scopes: Vec<oauthctl::domain::scope::ScopeToken>) -> impl Strategy<Value = DeclaredClient> {
    let count = scopes.len();
    let uris = btree_set(
        parsed("https://[a-z]{1,9}\\.example/[a-zA-Z0-9'()!$&+,;=@_~-]{0,60}(%22)?"),
        1..40,
    );
    let texts = (
        prop_oneof![parsed("\\PC{1,90}"), parsed("[\"'\\\\#=\\[\\]\u{e4}東 ]{1,20}")],
        parsed("\\PC{0,90}"),
        uris.prop_map(|uris| uris.into_iter().collect::<Vec<_>>())
            .prop_shuffle(),
        subsequence(scopes, 1..=count),
    );
    let refresh = prop_oneof![
        Just(RefreshPolicy::None),
        Just(RefreshPolicy::Unlimited),
        (1_u32..).prop_map(RefreshPolicy::Limited)
    ];
    let spans = (span(31_536_000), span(600), span(315_360_000), span(315_360_000));
    let consent = prop_oneof![Just(ConsentPolicy::Always), Just(ConsentPolicy::Remember)];
    (texts, refresh, spans, any::<bool>(), consent, any::<bool>()).prop_map(
        |((name, description, redirect_uris, scopes), refresh, spans, require_pkce, consent, enabled)| {
            DeclaredClient {
                settings: ClientSettings {
                    name,
                    description,
                    redirect_uris,
                    scopes: scopes.into_iter().collect(),
                    access_token_lifetime: spans.0,
                    code_lifetime: spans.1,
                    refresh,
                    refresh_token_lifetime: spans.2,
                    refresh_token_idle: spans.3,
                    require_pkce,
                    consent,
                },
                enabled,
            }
        },
    )
}

/// With no resource, or one of its own: one that another has is refused.
fn resource_server(name: Name, number: i32) -> (Name, DeclaredResourceServer) {
    let digits = data_encoding::HEXLOWER.encode(name.as_str().as_bytes());
    let resource = format!("https://api.example/{number}/{digits}");
    let server = DeclaredResourceServer {
        resource: (number > 0).then(|| resource.parse().unwrap()),
    };
    (name, server)
}

fn declaration() -> impl Strategy<Value = Declaration> {
    // Few short names, so that two declarations have some in common.
    let scope_name = prop_oneof![parsed("[a-d]"), parsed("[!#-\\[\\]-~]{1,40}")];
    btree_map(scope_name, scope(), 1..6).prop_flat_map(|scopes| {
        let client_id = prop_oneof![parsed("[a-d]"), parsed("[!-~]{1,60}")];
        let clients = btree_map(client_id, client(scopes.keys().cloned().collect()), 0..5);
        let server_name = prop_oneof![parsed("[a-d]"), parsed("\\PC{1,60}")];
        let servers = btree_map(server_name, 0..3, 0..4).prop_map(|servers| {
            let servers = servers.into_iter();
            servers
                .map(|(name, number)| resource_server(name, number))
                .collect()
        });
        (Just(scopes), clients, servers).prop_map(|(scopes, clients, resource_servers)| Declaration {
            scopes,
            clients,
            resource_servers,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_applied_is_exported_and_then_there_is_nothing_to_do(
        first in declaration(),
        second in declaration(),
    ) {
        let (server, _directory) = server();
        for wanted in [first, second] {
            apply(&server, &wanted, true);
            let exported = server.export().unwrap();
            prop_assert_eq!(&exported, &wanted);
            let text = write(&exported);
            let again = read(text.as_bytes(), &Tokens::default()).unwrap().declaration;
            prop_assert_eq!(&again, &wanted, "{}", text);
            prop_assert!(server.plan(again, true).unwrap().changes().is_empty());
            prop_assert_eq!(write(&server.export().unwrap()), text);
        }
        let is_whole = matches!(server.verify_audit(|_| ()).unwrap(), ChainVerdict::Whole { .. });
        prop_assert!(is_whole);
    }

    #[test]
    fn without_prune_what_was_there_stays(first in declaration(), second in declaration()) {
        let (server, _directory) = server();
        apply(&server, &first, false);
        apply(&server, &second, false);
        let mut both = first;
        both.scopes.extend(second.scopes);
        both.clients.extend(second.clients);
        both.resource_servers.extend(second.resource_servers);
        prop_assert_eq!(server.export().unwrap(), both);
    }
}

const FILE: &str = "[[scope]]\nname = \"orders\"\nfolders = [\"orders\"]\n\
    [[client]]\nclient_id = \"shop\"\nredirect_uris = [\"https://shop.example/cb\"]\nscopes = [\"orders\"]\n\
    [[resource_server]]\nname = \"Warehouse\"\n";

#[test]
fn each_change_is_audited_and_nothing_else_is() {
    let (server, _directory) = server();
    apply(&server, &declared(FILE), false);
    let warehouse = server.resource_servers().unwrap().remove(0).id.to_string();
    let actions = |entries: &[(String, String, String)]| -> Vec<String> {
        entries
            .iter()
            .map(|(action, subject, _)| format!("{action} {subject}"))
            .collect()
    };
    let mut expected = vec![
        "scope.define orders".to_owned(),
        "client.register shop".to_owned(),
        format!("resource_server.register {warehouse}"),
    ];
    assert_eq!(actions(&audited(&server)), expected);

    apply(&server, &declared(FILE), true);
    assert_eq!(actions(&audited(&server)), expected, "nothing changed");

    let disabled = FILE.replace("scopes = ", "enabled = false\nscopes = ");
    apply(&server, &declared(&disabled), true);
    expected.push("client.disable shop".to_owned());
    assert_eq!(actions(&audited(&server)), expected);

    let described = disabled.replace("enabled", "description = \"A shop\"\nenabled");
    apply(&server, &declared(&described), true);
    expected.push("client.update shop".to_owned());
    let entries = audited(&server);
    assert_eq!(actions(&entries), expected);
    assert_eq!(
        entries.last().unwrap().2,
        r#"{"description":{"from":"","to":"A shop"}}"#
    );

    let with_resource = |resource: &str| format!("{described}resource = \"https://{resource}.example\"\n");
    for resource in ["a", "b"] {
        apply(&server, &declared(&with_resource(resource)), true);
        expected.push(format!("resource_server.update {warehouse}"));
    }
    let entries = audited(&server);
    assert_eq!(actions(&entries), expected);
    assert_eq!(
        entries.last().unwrap().2,
        r#"{"resource":{"from":"https://a.example","to":"https://b.example"}}"#
    );

    apply(&server, &Declaration::default(), true);
    expected.extend([
        "client.delete shop".to_owned(),
        format!("resource_server.delete {warehouse}"),
        "scope.delete orders".to_owned(),
    ]);
    assert_eq!(actions(&audited(&server)), expected);
}

#[test]
fn a_plan_is_done_as_it_was_made_or_not_at_all() {
    let (server, _directory) = server();
    let plan = server.plan(declared(FILE), false).unwrap();
    let late = server.plan(declared(FILE), false).unwrap();
    server.apply(plan).unwrap();
    let entries = audited(&server);
    assert!(matches!(server.apply(late), Err(ApplyError::Outdated)));
    assert_eq!(audited(&server), entries);
}

#[test]
fn a_changed_client_keeps_its_secret_and_a_new_one_has_the_one_of_the_plan() {
    let (server, _directory) = server();
    let plan = server.plan(declared(FILE), false).unwrap();
    let things: Vec<Thing> = plan.credentials().iter().map(|new| new.thing.clone()).collect();
    assert_eq!(
        things,
        [
            Thing::Client("shop".parse().unwrap()),
            Thing::ResourceServer("Warehouse".parse().unwrap())
        ]
    );
    let hashes: Vec<_> = plan.credentials().iter().map(|new| new.secret.hash()).collect();
    let owners = [
        SecretOwner::Client(plan.credentials()[0].id.clone()),
        SecretOwner::ResourceServer(plan.credentials()[1].id.clone()),
    ];
    server.apply(plan).unwrap();
    let renamed = FILE.replace("scopes = ", "name = \"The shop\"\nscopes = ");
    let plan = server.plan(declared(&renamed), false).unwrap();
    assert!(plan.credentials().is_empty());
    server.apply(plan).unwrap();
    for (owner, hash) in owners.iter().zip(&hashes) {
        let stored = server.secrets_of(owner).unwrap();
        assert_eq!(stored.len(), 1);
        assert!(stored[0].hash.matches(hash));
    }
}

#[test]
fn what_cannot_be_is_refused_whole() {
    let (server, _directory) = server();
    apply(&server, &declared(FILE), false);
    let warehouse = server.resource_servers().unwrap().remove(0).id;
    let before = (server.export().unwrap(), audited(&server));
    let client = |id: &str, scope: &str| {
        format!(
            "[[client]]\nclient_id = \"{id}\"\nredirect_uris = [\"https://x.example/\"]\nscopes = [\"{scope}\"]\n"
        )
    };
    for (text, prune, thing, message) in [
        (
            client("new", "ordres"),
            false,
            "client `new`",
            "no scope `ordres`; did you mean `orders`?",
        ),
        (
            client("new", "orders"),
            true,
            "client `new`",
            "the scope `orders` is still in use by this client, and --prune would delete it; declare it too",
        ),
        (
            client(warehouse.as_str(), "orders"),
            false,
            &*format!("client `{warehouse}`"),
            &*format!("there is a resource server `{warehouse}` already"),
        ),
        (
            "[[scope]]\nname = \"empty\"".to_owned(),
            false,
            "scope `empty`",
            "the scope empty would open nothing; give a folder, a service or a route",
        ),
        (
            {
                let names: Vec<String> = (0..257).map(|n| format!("\"s{n}\"")).collect();
                client("new", "orders").replace("\"orders\"", &names.join(", "))
            },
            false,
            "client `new`",
            "a client may have 256 scopes at most",
        ),
        (
            "[[client]]\nclient_id = \"new\"\nscopes = [\"orders\"]".to_owned(),
            false,
            "client `new`",
            "a client needs at least one redirect URI",
        ),
        (
            "[[client]]\nclient_id = \"new\"\nredirect_uris = [\"https://x.example/\"]".to_owned(),
            false,
            "client `new`",
            "a client needs at least one scope",
        ),
    ] {
        let error = server.plan(declared(&text), prune).unwrap_err();
        assert_eq!(error.to_string(), format!("{thing}: {message}"), "{text}");
    }
    assert_eq!((server.export().unwrap(), audited(&server)), before);
}

#[test]
fn a_resource_goes_from_one_resource_server_to_another_and_is_never_served_by_two() {
    let (server, _directory) = server();
    let text = |servers: &[(&str, &str)]| -> String {
        let tables = servers.iter().map(|(name, resource)| {
            format!("[[resource_server]]\nname = \"{name}\"\nresource = \"https://{resource}\"\n")
        });
        tables.collect()
    };
    for (servers, prune) in [
        (&[("A", "a.example"), ("B", "b.example")][..], false),
        (&[("A", "b.example"), ("B", "a.example")], false),
        (&[("B", "b.example"), ("C", "a.example")], true),
        (&[("D", "d.example")], false),
    ] {
        let wanted = declared(&text(servers));
        apply(&server, &wanted, prune);
        assert!(server.plan(wanted, prune).unwrap().changes().is_empty());
    }
    for (servers, prune, message) in [
        (
            &[("E", "e.example"), ("F", "e.example")][..],
            true,
            "resource server `F`: there is a resource server for `https://e.example` already",
        ),
        (
            &[("E", "d.example")],
            false,
            "resource server `E`: there is a resource server for `https://d.example` already",
        ),
        (
            &[("E", "d.example/")],
            false,
            "resource server `E`: the metadata of `https://d.example/` would lie where those of `https://d.example` \
             lie, which `D` serves",
        ),
    ] {
        let error = server.plan(declared(&text(servers)), prune).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    apply(&server, &declared(&text(&[("E", "d.example")])), true);
}

#[test]
fn the_identifier_of_a_resource_server_is_free_once_it_is_removed() {
    let (server, _directory) = server();
    apply(&server, &declared(FILE), false);
    let id = server.resource_servers().unwrap().remove(0).id;
    let text = FILE
        .replace("\"shop\"", &format!("\"{id}\""))
        .replace("Warehouse", "Other");
    apply(&server, &declared(&text), true);
    assert!(server.client(&id).is_ok());
}

#[test]
fn a_client_with_too_many_tokens_is_not_pruned() {
    let (server, directory) = server();
    apply(&server, &declared(FILE), false);
    let add_grants = |from: i64, to: i64| {
        let connection = rusqlite::Connection::open(directory.path().join("oauthctl.db")).unwrap();
        connection
            .execute_batch(
                "INSERT OR IGNORE INTO resource_owners (owner_key, username, password_hash, enabled, created_at) \
                 VALUES (1, 'alice', 'x', 1, 0)",
            )
            .unwrap();
        connection
            .execute(
                "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2) \
                 INSERT INTO grants (grant_key, client_key, owner_key, scope, created_at, form_nonce) \
                 SELECT i, client_key, 1, 'orders', 0, CAST(printf('%016d', i) AS BLOB) FROM n, clients",
                [from, to],
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO tokens (token_key, kind, grant_key, secret_hash, scope, issued_at, expires_at) \
                 SELECT grant_key, 'access', grant_key, zeroblob(32), 'orders', 0, 1 FROM grants \
                 WHERE grant_key >= ?1",
                [from],
            )
            .unwrap();
    };
    add_grants(0, 5_001);
    let error = server.plan(Declaration::default(), true).unwrap_err();
    let ApplyError::Thing { thing, cause } = error else {
        panic!("{error}")
    };
    assert_eq!(thing, Thing::Client("shop".parse().unwrap()));
    assert!(matches!(cause, AdministrationError::InUse { .. }), "{cause}");
    assert!(cause.to_string().contains("oauthctl client delete"), "{cause}");

    let connection = rusqlite::Connection::open(directory.path().join("oauthctl.db")).unwrap();
    connection
        .execute_batch("DELETE FROM tokens WHERE token_key = 0; DELETE FROM grants WHERE grant_key = 0")
        .unwrap();
    apply(&server, &Declaration::default(), true);
    assert_eq!(server.export().unwrap(), Declaration::default());
    for table in ["grants", "tokens", "client_secrets", "resource_server_secrets"] {
        let left: i64 = connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}
