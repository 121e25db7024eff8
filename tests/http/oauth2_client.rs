//! The crate `oauth2`, a client that nobody here wrote, drives the flow.

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, RevocationUrl,
    Scope, StandardRevocableToken, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};

use crate::support::flow::{approve, signed_in};
use crate::support::home::{Home, REDIRECT_URI};
use crate::support::server::Server;

const ISSUER: &str = "https://id.example";

/// A client sends its requests to the issuer's name; this stands for the TLS proxy there, since the crate revokes over
/// https only.
pub(crate) fn proxy(server: &Server) -> impl Fn(HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let base = server.base.clone();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    let agent = config.new_agent();
    move |mut request| {
        let uri = request.uri().to_string().replacen(ISSUER, &base, 1);
        *request.uri_mut() = uri.parse().unwrap();
        let (parts, mut body) = agent.run(request)?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
    }
}

#[test]
fn authorize_exchange_refresh_introspect_revoke() {
    let server = Server::with(Home::furnished(), |command| command.args(["--issuer", ISSUER]));
    let registered = server.home.client("orders", &[]);
    let metadata = server.get("/.well-known/oauth-authorization-server", &[]).json();
    let endpoint = |name: &str| metadata[name].as_str().unwrap().to_owned();
    let http = proxy(&server);
    for authentication in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = BasicClient::new(ClientId::new(registered.id.clone()))
            .set_client_secret(ClientSecret::new(registered.secret.clone()))
            .set_auth_type(authentication)
            .set_auth_uri(AuthUrl::new(endpoint("authorization_endpoint")).unwrap())
            .set_token_uri(TokenUrl::new(endpoint("token_endpoint")).unwrap())
            .set_introspection_url(IntrospectionUrl::new(endpoint("introspection_endpoint")).unwrap())
            .set_revocation_url(RevocationUrl::new(endpoint("revocation_endpoint")).unwrap())
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("orders:read".to_owned()))
            .add_scope(Scope::new("stock".to_owned()))
            .set_pkce_challenge(challenge)
            .url();

        let mut browser = signed_in(&server);
        let answer = approve(&mut browser, url.as_str().strip_prefix(ISSUER).unwrap());
        assert!(answer.location().starts_with(REDIRECT_URI));
        assert_eq!(
            answer.parameter("state").as_deref(),
            Some(state.secret().as_str())
        );
        assert_eq!(answer.parameter("iss").as_deref(), Some(ISSUER));
        let code = AuthorizationCode::new(answer.parameter("code").unwrap());

        let wrong = PkceCodeVerifier::new("x".repeat(43));
        let error = client
            .exchange_code(code.clone())
            .set_pkce_verifier(wrong)
            .request(&http)
            .unwrap_err();
        let RequestTokenError::ServerResponse(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.error(), &BasicErrorResponseType::InvalidGrant);

        let tokens = client
            .exchange_code(code)
            .set_pkce_verifier(verifier)
            .request(&http)
            .unwrap();
        assert_eq!(tokens.token_type(), &BasicTokenType::Bearer);
        assert_eq!(tokens.expires_in().unwrap().as_secs(), 3600);
        let scopes: Vec<&str> = tokens
            .scopes()
            .unwrap()
            .iter()
            .map(|scope| scope.as_str())
            .collect();
        assert_eq!(scopes, ["orders:read", "stock"]);

        let refreshed = client
            .exchange_refresh_token(tokens.refresh_token().unwrap())
            .add_scope(Scope::new("stock".to_owned()))
            .request(&http)
            .unwrap();
        assert_ne!(refreshed.access_token().secret(), tokens.access_token().secret());
        let told = client
            .introspect(refreshed.access_token())
            .request(&http)
            .unwrap();
        assert!(told.active());
        assert_eq!(told.client_id().map(|id| id.as_str()), Some("orders"));
        assert_eq!(
            (told.username(), told.sub(), told.iss()),
            (Some("alice"), Some("alice"), Some(ISSUER))
        );
        assert_eq!(
            told.scopes().unwrap().as_slice(),
            [Scope::new("stock".to_owned())]
        );
        assert!(told.exp().unwrap() > told.iat().unwrap());

        let refresh_token: StandardRevocableToken = refreshed.refresh_token().unwrap().into();
        client
            .revoke_token(refresh_token)
            .unwrap()
            .request(&http)
            .unwrap();
        assert!(
            !client
                .introspect(refreshed.access_token())
                .request(&http)
                .unwrap()
                .active()
        );
        assert!(!server.opens(tokens.access_token().secret()));
    }
}
