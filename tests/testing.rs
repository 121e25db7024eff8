//! `oauthctl::testing`, as somebody's tests of a client use it: with the crate `oauth2`.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::time::Duration;

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

type Tokens = oauth2::basic::BasicTokenResponse;
type ExchangeError = oauth2::RequestTokenError<ureq::Error, oauth2::basic::BasicErrorResponse>;

/// A client that has sent `alice` to the server: what is exchanged, and with what.
struct Story<'a> {
    server: &'a TestServer,
    code: String,
    verifier: String,
}

impl<'a> Story<'a> {
    fn begin(server: &'a TestServer) -> Self {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let url = url_with(server, "orders:read profile", challenge.as_str());
        let answer = Url::parse(&server.approve("alice", &url).unwrap()).unwrap();
        let mut found = answer.query_pairs().filter(|(key, _)| key == "code");
        let code = found.next().unwrap().1.into_owned();
        let verifier = verifier.secret().to_owned();
        Self {
            server,
            code,
            verifier,
        }
    }

    fn exchange(&self) -> Result<Tokens, ExchangeError> {
        BasicClient::new(ClientId::new(self.server.client_id().to_owned()))
            .set_client_secret(ClientSecret::new(self.server.client_secret().to_owned()))
            .set_token_uri(TokenUrl::new(self.server.token_endpoint()).unwrap())
            .set_redirect_uri(RedirectUrl::new(self.server.redirect_uri().to_owned()).unwrap())
            .exchange_code(AuthorizationCode::new(self.code.clone()))
            .set_pkce_verifier(oauth2::PkceCodeVerifier::new(self.verifier.clone()))
            .request(&send)
    }
}

fn url_with(server: &TestServer, scope: &str, challenge: &str) -> String {
    let parameters = [
        ("response_type", "code"),
        ("client_id", server.client_id()),
        ("redirect_uri", server.redirect_uri()),
        ("scope", scope),
        ("state", "a"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    Url::parse_with_params(&server.authorization_endpoint(), parameters)
        .unwrap()
        .into()
}

/// What the error of an answer is called.
fn named(answer: Result<Tokens, ExchangeError>) -> String {
    match answer {
        Err(oauth2::RequestTokenError::ServerResponse(error)) => error.error().to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn time_is_what_the_test_says() {
    let server = TestServer::start().unwrap();
    let other = TestServer::start().unwrap();
    let story = Story::begin(&server);
    server.clock().advance(Duration::from_secs(3600)).unwrap();
    assert_eq!(named(story.exchange()), "invalid_grant", "the code has expired");
    let story = Story::begin(&server);
    assert!(story.exchange().is_ok());
    assert_eq!(other.clock().offset(), 0, "another server has its own time");
    server.clock().reset();
    assert_eq!(server.clock().offset(), 0);
}

#[test]
fn trouble_comes_when_the_test_says_in_that_order() {
    let server = TestServer::start().unwrap();
    let story = Story::begin(&server);
    server.fail_next("token", "invalid_client").unwrap();
    server.fail_next("token", "lost").unwrap();
    assert_eq!(named(story.exchange()), "invalid_client");
    let lost = story.exchange();
    assert!(
        matches!(lost, Err(oauth2::RequestTokenError::Request(_))),
        "{lost:?}"
    );
    assert_eq!(server.forget_faults(), 0);
    assert_eq!(
        named(story.exchange()),
        "invalid_grant",
        "the code was used, though its answer was lost"
    );
    server.fail_next("token", "slow 1m").unwrap();
    assert_eq!(server.forget_faults(), 1);
    let error = server
        .fail_next("token", "access_denied")
        .unwrap_err()
        .to_string();
    assert!(error.contains("invalid_grant"), "{error}");
    assert!(server.fail_next("nowhere", "500").is_err());
}

#[test]
fn a_resource_owner_denies_and_leaves_scopes_out() {
    let server = TestServer::start().unwrap();
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let url = url_with(&server, "orders:read profile", challenge.as_str());
    let denied = server.deny("bob", &url).unwrap();
    assert!(denied.contains("error=access_denied"), "{denied}");
    let denied = server.approve_only("bob", &[], &url).unwrap();
    assert!(denied.contains("error=access_denied"), "{denied}");
    let error = server
        .approve_only("bob", &["orders:write"], &url)
        .unwrap_err()
        .to_string();
    assert!(error.contains("asked for is orders:read profile"), "{error}");
    let approved = server.approve_only("bob", &["profile"], &url).unwrap();
    assert!(approved.contains("code=oac_"), "{approved}");
}
