//! `oauthctl::testing`, as somebody's tests of a client use it: with the crate `oauth2`.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use oauth2::basic::BasicClient;
use oauth2::url::Url;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse, TokenUrl,
};
use oauthctl::testing::TestServer;

fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None);
    let (parts, mut body) = config.build().new_agent().run(request)?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}

/// The scopes that `alice` grants a client that asks for `scope`.
fn granted(server: &TestServer, scope: &str) -> Vec<String> {
    let redirect_uri = "http://127.0.0.1:40000/callback";
    let client = BasicClient::new(ClientId::new(server.client_id().to_owned()))
        .set_client_secret(ClientSecret::new(server.client_secret().to_owned()))
        .set_auth_uri(AuthUrl::new(server.authorization_endpoint()).unwrap())
        .set_token_uri(TokenUrl::new(server.token_endpoint()).unwrap())
        .set_redirect_uri(RedirectUrl::new(redirect_uri.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new(scope.to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let answer = server.approve("alice", url.as_str()).unwrap();
    assert!(answer.starts_with(redirect_uri), "{answer}");
    let answer = Url::parse(&answer).unwrap();
    let parameter = |name: &str| {
        let mut found = answer.query_pairs().filter(|(key, _)| key == name);
        found.next().unwrap().1.into_owned()
    };
    assert_eq!(&parameter("state"), state.secret());
    assert_eq!(parameter("iss"), server.issuer());
    let tokens = client
        .exchange_code(AuthorizationCode::new(parameter("code")))
        .set_pkce_verifier(verifier)
        .request(&send)
        .unwrap();
    let scopes = tokens.scopes().unwrap();
    scopes.iter().map(|scope| scope.to_string()).collect()
}

#[test]
fn a_client_is_tested_against_a_server_of_its_own() {
    let server = TestServer::start().unwrap();
    let other = TestServer::start().unwrap();
    assert_ne!(server.issuer(), other.issuer());
    assert_ne!(server.client_secret(), other.client_secret());
    for server in [&server, &other] {
        assert_eq!(granted(server, "orders:read"), ["orders:read"]);
    }
    let database = server
        .environment()
        .find(|(name, _)| *name == "OAUTHCTL_DATABASE")
        .map(|(_, path)| std::path::PathBuf::from(path))
        .unwrap();
    assert!(database.exists());
    drop(server);
    assert!(!database.exists());
}

#[test]
fn what_is_refused_without_a_redirect_is_an_error() {
    let server = TestServer::start().unwrap();
    let url = format!("{}?client_id=nobody", server.authorization_endpoint());
    let error = server.approve("alice", &url).unwrap_err().to_string();
    assert!(error.contains("400 Bad Request"), "{error}");
    let error = server.approve("mallory", &url).unwrap_err().to_string();
    assert!(error.contains("mallory"), "{error}");
}

#[test]
fn what_is_refused_with_a_redirect_is_an_answer() {
    let server = TestServer::start().unwrap();
    let url = format!(
        "{}?client_id={}&redirect_uri={}&response_type=token&state=a",
        server.authorization_endpoint(),
        server.client_id(),
        server.redirect_uri()
    );
    let answer = server.approve("alice", &url).unwrap();
    assert!(answer.contains("error=unsupported_response_type"), "{answer}");
}
