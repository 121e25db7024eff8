//! Traefik's dynamic configuration. Debian has no Traefik, so what is held is that the file is TOML and that its parts
//! fit together.

use toml::Value;

use crate::stage::Stage;

#[test]
fn the_parts_of_the_configuration_fit_together() {
    let stage = Stage::set();
    let mut command = stage.server.home.command();
    let printed = stage.printed(command.args(["example", "traefik", "--host", "orders.example"]));
    let parsed: Value = toml::from_str(&printed).unwrap();
    let http = &parsed["http"];
    let router = &http["routers"]["oauthctl-protected"];
    assert_eq!(router["rule"].as_str(), Some("Host(`orders.example`)"));
    let names: Vec<&str> = router["middlewares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["oauthctl-clean", "oauthctl-check"],
        "first nothing is left, then it asks"
    );
    let middlewares = http["middlewares"].as_table().unwrap();
    assert!(names.iter().all(|name| middlewares.contains_key(*name)));

    let check = &middlewares["oauthctl-check"]["forwardAuth"];
    assert_eq!(
        check["address"].as_str().unwrap(),
        format!("{}/check", stage.server.base)
    );
    assert_eq!(check["trustForwardHeader"].as_bool(), Some(false));
    assert_eq!(check["authRequestHeaders"].as_array().unwrap().len(), 1);
    let identity = check["authResponseHeaders"].as_array().unwrap();
    let removed = middlewares["oauthctl-clean"]["headers"]["customRequestHeaders"]
        .as_table()
        .unwrap();
    assert!(removed.values().all(|value| value.as_str() == Some("")));
    for name in identity {
        assert!(removed.contains_key(name.as_str().unwrap()), "{name}");
    }
    for name in [
        "X_OAuth_Client",
        "X-OAuth_Grant",
        "X-Original-URI",
        "X-HTTP-Method-Override",
        "Connection",
    ] {
        assert!(removed.contains_key(name), "{name}");
    }

    let service = router["service"].as_str().unwrap();
    let servers = &http["services"][service]["loadBalancer"]["servers"];
    assert_eq!(
        servers[0]["url"].as_str().unwrap(),
        format!("http://{}", stage.service.address)
    );
}
