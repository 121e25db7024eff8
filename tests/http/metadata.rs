//! Authorization server metadata (RFC 8414).

use serde_json::json;

use crate::support::home::Home;
use crate::support::http::send;
use crate::support::server::Server;

const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

#[test]
fn metadata_names_the_endpoints_of_the_issuer() {
    for (issuer, path) in [
        (None, ""),
        (Some("https://id.example"), ""),
        (Some("https://id.example/oauth"), "/oauth"),
    ] {
        let server = Server::with(Home::furnished(), |command| match issuer {
            Some(issuer) => command.args(["--issuer", issuer]),
            None => command,
        });
        let issuer = issuer.unwrap_or(&server.base);
        // RFC 8414 §3: the well-known part goes between host and path.
        let url = server.url(&format!("{WELL_KNOWN}{path}"));
        let answer = send("GET", &url, &[], None);
        assert_eq!(answer.status, 200, "{issuer}");
        let authentication = json!(["client_secret_basic", "client_secret_post"]);
        assert_eq!(
            answer.json(),
            json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "revocation_endpoint": format!("{issuer}/revoke"),
                "introspection_endpoint": format!("{issuer}/introspect"),
                "scopes_supported": ["orders:read", "stock"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": authentication,
                "revocation_endpoint_auth_methods_supported": authentication,
                "introspection_endpoint_auth_methods_supported": authentication,
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "prompt_values_supported": ["none", "login", "consent", "select_account"],
            })
        );
        let head = send("HEAD", &url, &[], None);
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("Content-Type"), Some("application/json"));

        // What is named is there.
        for (name, method, status) in [
            ("authorize", "GET", 400),
            ("token", "POST", 401),
            ("revoke", "POST", 401),
            ("introspect", "POST", 401),
        ] {
            let body = (method == "POST").then_some("");
            let answer = send(method, &server.url(&format!("{path}/{name}")), &[], body);
            assert_eq!(answer.status, status, "{issuer}: {name}");
        }
        assert_eq!(server.get(&format!("{WELL_KNOWN}/other"), &[]).status, 404);
    }
}

#[test]
fn it_is_alive_and_ready() {
    let server = Server::start();
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path, &[]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"), "{path}");
    }
    // Ready means that the store can be written.
    server.home.sql("ALTER TABLE probe RENAME TO gone", &[]);
    let answer = server.get_until("/readyz", 503);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(server.get("/healthz", &[]).status, 200);
}
