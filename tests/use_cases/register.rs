//! Registration: what is taken, what is refused, and that a refusal changes nothing.

use std::time::Duration;

use oauthctl::authorization_server::{
    AdministrationError, ClientRegistration, Noun, RegisteredClient, SecretOrigin,
};
use oauthctl::domain::client::{ClientSecret, ClientSettings, RefreshPolicy};
use oauthctl::domain::coverage::Coverage;
use oauthctl::domain::password::Password;

use crate::support::{Client, PASSWORD, START, World, at_once, error_of, scopes, settings};

type Spoil = fn(&mut ClientSettings);

fn registration(id: Option<&str>, settings: ClientSettings) -> ClientRegistration {
    ClientRegistration {
        id: id.map(|id| id.parse().unwrap()),
        settings,
        secret: SecretOrigin::Generate,
        if_not_exists: false,
    }
}

fn register(
    world: &World,
    id: Option<&str>,
    settings: ClientSettings,
) -> Result<RegisteredClient, AdministrationError> {
    world.server.register_client(registration(id, settings))
}

#[test]
fn a_registered_client_is_kept_as_it_was_given() {
    let world = World::new();
    let mut given = settings("The Shop");
    given.redirect_uris = vec![
        "https://shop.example/b".parse().unwrap(),
        "https://shop.example/a".parse().unwrap(),
    ];
    given.refresh = RefreshPolicy::Limited(7);
    given.require_pkce = false;
    given.access_token_lifetime = Duration::from_secs(61);
    given.code_lifetime = Duration::from_secs(62);
    given.refresh_token_lifetime = Duration::from_secs(63);
    given.refresh_token_idle = Duration::from_secs(64);
    let registered = register(&world, Some("shop"), given.clone()).unwrap();
    assert!(registered.secret.unwrap().reveal().starts_with("ocs_"));
    let kept = world.server.client(&"shop".parse().unwrap()).unwrap();
    assert_eq!(kept.id.as_str(), "shop");
    assert!(kept.enabled);
    assert_eq!(kept.created_at, START);
    assert_eq!(format!("{:?}", kept.settings), format!("{given:?}"));
}

#[test]
fn an_identifier_that_is_not_given_is_made_of_the_name() {
    let world = World::new();
    let ids: Vec<_> = (0..2)
        .map(|_| {
            let registered = register(&world, None, settings("Orders (Web)")).unwrap();
            registered.client.id.to_string()
        })
        .collect();
    assert!(ids.iter().all(|id| id.starts_with("orders-web-")), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn an_identifier_is_taken_once_by_clients_and_resource_servers_together() {
    let world = World::new();
    world.shop();
    let resource_server = world.resource_server();
    for (id, holder) in [
        ("shop", Noun::Client),
        (resource_server.id.as_str(), Noun::ResourceServer),
    ] {
        let refused = register(&world, Some(id), settings("Another"));
        let Err(AdministrationError::Exists { noun, name }) = refused else {
            panic!("{id}: {refused:?}");
        };
        assert_eq!((noun, name.as_str()), (holder, id));
    }
    assert_eq!(world.count("clients"), 1);
    assert_eq!(world.count("client_secrets"), 1);
    register(&world, Some("SHOP"), settings("Another")).expect("identifiers are case-sensitive");
}

#[test]
fn of_eight_registrations_of_one_identifier_at_once_one_succeeds() {
    let world = World::new();
    let outcomes = at_once(8, |_| register(&world, Some("shop"), settings("Shop")));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(
        outcome,
        Ok(_)
            | Err(AdministrationError::Exists {
                noun: Noun::Client,
                ..
            })
    )));
    assert_eq!(world.count("clients"), 1);
    assert_eq!(world.count("client_secrets"), 1);
}

#[test]
fn a_scope_that_is_not_defined_is_not_found_and_the_nearest_is_named() {
    let world = World::new();
    let mut wrong = settings("Shop");
    wrong.scopes = scopes("orders invoice");
    let refused = register(&world, Some("shop"), wrong);
    let Err(error @ AdministrationError::NotFound { .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.to_string(), "no scope `invoice`; did you mean `invoices`?");
    assert_eq!(world.count("clients"), 0);
    assert_eq!(world.count("client_redirect_uris"), 0);
}

#[test]
fn settings_with_which_a_client_could_not_work_are_refused() {
    let world = World::new();
    let cases: [(Spoil, &str); 7] = [
        (
            |settings| settings.redirect_uris.clear(),
            "a client needs at least one redirect URI",
        ),
        (
            |settings| settings.redirect_uris.push(settings.redirect_uris[0].clone()),
            "the redirect URI https://shop.example/back?shop=1 is given twice",
        ),
        (
            |settings| {
                settings.redirect_uris = (0..101)
                    .map(|n| format!("https://shop.example/{n}").parse().unwrap())
                    .collect();
            },
            "a client may have 100 redirect URIs at most",
        ),
        (
            |settings| settings.scopes = scopes(""),
            "a client needs at least one scope",
        ),
        (
            |settings| settings.access_token_lifetime = Duration::ZERO,
            "the access token lifetime `0s` is too short; accepted is a span from `1s` to `365d`",
        ),
        (
            |settings| settings.code_lifetime = Duration::from_millis(999),
            "the code lifetime `999ms` is too short; accepted is a span from `1s` to `10m`",
        ),
        (
            |settings| settings.refresh_token_idle = Duration::ZERO,
            "the refresh token idle span `0s` is too short; accepted is a span from `1s` to `3650d`",
        ),
    ];
    for (spoil, message) in cases {
        let mut spoilt = settings("Shop");
        spoil(&mut spoilt);
        let refused = register(&world, Some("shop"), spoilt).unwrap_err();
        assert_eq!(refused.to_string(), message);
    }
    assert_eq!(world.count("clients"), 0);
}

#[test]
fn if_not_exists_leaves_a_client_as_it_is_and_shows_no_secret() {
    let world = World::new();
    let shop = world.shop();
    let mut changed = settings("shop");
    changed.access_token_lifetime = Duration::from_secs(1);
    for id in [Some("shop"), None] {
        let mut registration = registration(id, changed.clone());
        registration.if_not_exists = true;
        let registered = world.server.register_client(registration).unwrap();
        assert!(registered.secret.is_none());
        assert_eq!(registered.client.id.as_str(), "shop");
        assert_eq!(
            registered.client.settings.access_token_lifetime,
            settings("shop").access_token_lifetime
        );
    }
    assert_eq!(world.count("clients"), 1);
    assert_eq!(world.count("client_secrets"), 1);
    world.tokens(&shop);

    let mut new = registration(Some("new"), settings("New"));
    new.if_not_exists = true;
    assert!(world.server.register_client(new).unwrap().secret.is_some());

    let resource_server = world.resource_server();
    let mut taken = registration(Some(&resource_server.id), settings("Taken"));
    taken.if_not_exists = true;
    let refused = world.server.register_client(taken);
    assert!(
        matches!(
            refused,
            Err(AdministrationError::Exists {
                noun: Noun::ResourceServer,
                ..
            })
        ),
        "a resource server is not the client that was meant: {refused:?}"
    );
}

#[test]
fn a_secret_that_is_brought_along_is_the_one_that_admits() {
    let world = World::new();
    let secret = "0123456789abcdef0123456789ABCDEF+/%:";
    let mut moved = registration(Some("moved"), settings("Moved"));
    moved.secret = SecretOrigin::Import(ClientSecret::import(secret).unwrap());
    let registered = world.server.register_client(moved).unwrap();
    assert_eq!(registered.secret.unwrap().reveal(), secret);
    let moved = Client {
        id: "moved".to_owned(),
        secret: secret.to_owned(),
    };
    world.tokens(&moved);
}

#[test]
fn a_scope_is_defined_once_and_opens_something() {
    let world = World::new();
    let define = |name: &str, coverage| {
        let description = "Again".parse().unwrap();
        world
            .server
            .define_scope(name.parse().unwrap(), description, coverage)
    };
    let coverage = |count: usize| {
        let folders = (0..count).map(|n| format!("folder{n}").parse().unwrap());
        Coverage {
            folders: folders.collect(),
            ..Coverage::default()
        }
    };
    assert_eq!(
        define("orders", coverage(1)).unwrap_err().to_string(),
        "there is a scope `orders` already"
    );
    assert_eq!(
        define("empty", coverage(0)).unwrap_err().to_string(),
        "the scope empty would open nothing; give a folder, a service or a route"
    );
    assert_eq!(
        define("large", coverage(1001)).unwrap_err().to_string(),
        "a scope may have 1000 folders, services and routes at most"
    );
    define("large", coverage(1000)).unwrap();
    let kept = world.server.scope(&"large".parse().unwrap()).unwrap();
    assert_eq!(kept.coverage, coverage(1000));
    assert_eq!(kept.created_at, START);
    assert_eq!(world.count("scopes"), 4);
}

#[test]
fn what_was_defined_is_listed_by_name() {
    let world = World::new();
    world.client("b", |_| {});
    world.client("a", |_| {});
    world.add_owner("Bob");
    world.resource_server();
    let server = &world.server;
    let clients: Vec<_> = server
        .clients()
        .unwrap()
        .into_iter()
        .map(|c| c.id.to_string())
        .collect();
    assert_eq!(clients, ["a", "b"]);
    let listed: Vec<_> = server
        .scopes()
        .unwrap()
        .into_iter()
        .map(|s| s.token.to_string())
        .collect();
    assert_eq!(listed, ["invoices", "orders", "place"]);
    let owners: Vec<_> = server
        .owners()
        .unwrap()
        .into_iter()
        .map(|owner| owner.username.to_string())
        .collect();
    assert_eq!(owners, ["Bob", "alice"]);
    let resource_servers: Vec<_> = server
        .resource_servers()
        .unwrap()
        .into_iter()
        .map(|resource_server| resource_server.name.to_string())
        .collect();
    assert_eq!(resource_servers, ["warehouse"]);
}

#[test]
fn what_is_not_there_is_not_found_and_the_nearest_is_named_where_one_is_near() {
    let world = World::new();
    world.shop();
    let client = |id: &str| world.server.client(&id.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(client("shopp"), "no client `shopp`; did you mean `shop`?");
    assert_eq!(client("warehouse"), "no client `warehouse`");
    let scope = |name: &str| {
        world
            .server
            .scope(&name.parse().unwrap())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(scope("order"), "no scope `order`; did you mean `orders`?");
}

#[test]
fn owners_and_resource_servers_are_added_once() {
    let world = World::new();
    let password = Password::choose(PASSWORD).unwrap();
    let refused = world.server.add_owner("alice".parse().unwrap(), &password);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is a resource owner `alice` already"
    );
    let resource_server = world.resource_server();
    let refused = world
        .server
        .register_resource_server("warehouse".parse().unwrap(), None);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is a resource server `warehouse` already"
    );
    assert_eq!(world.count("resource_owners"), 1);
    assert_eq!(world.count("resource_server_secrets"), 1);
    // The one that was first still is who it was.
    assert!(world.introspect(&resource_server, "x").unwrap().is_none());
    let mut thief = resource_server.clone();
    thief.secret.push('x');
    error_of(world.introspect(&thief, "x"));
}
