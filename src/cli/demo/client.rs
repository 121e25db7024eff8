//! The client of the demo: what an application has to do to be given an access token.

use anyhow::{Context as _, Result};
use data_encoding::BASE64;

use super::http_client::{Answer, HttpClient};
use crate::authorization_server::RegisteredResourceServer;
use crate::domain::client::{ClientId, ClientSecret};
use crate::domain::issuer::Issuer;
use crate::domain::pkce::CodeVerifier;
use crate::domain::secret::Secret;
use crate::entropy::OsEntropy;

/// What somebody authenticates with at the token endpoint and its siblings.
pub(super) struct Credentials {
    pub(super) id: ClientId,
    pub(super) secret: ClientSecret,
}

impl Credentials {
    /// The value of `Authorization` (RFC 6749 §2.3.1).
    pub(super) fn basic(&self) -> String {
        let encoded = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encoded(self.id.as_str()), encoded(self.secret.reveal()));
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    }
}

impl From<RegisteredResourceServer> for Credentials {
    fn from(registered: RegisteredResourceServer) -> Self {
        Self {
            id: registered.resource_server.id,
            secret: registered.secret,
        }
    }
}

/// A confidential client.
pub(super) struct Client {
    pub(super) name: String,
    pub(super) credentials: Credentials,
    pub(super) redirect_uri: String,
    /// What it asks for.
    pub(super) scope: String,
    pub(super) issuer: Issuer,
    pub(super) http: HttpClient,
}

impl Client {
    /// The parameters of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub(super) fn parameters<'a>(&'a self, request: &'a SentRequest) -> [(&'static str, &'a str); 7] {
        [
            ("response_type", "code"),
            ("client_id", self.credentials.id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &request.state),
            ("code_challenge", &request.challenge),
            ("code_challenge_method", "S256"),
        ]
    }

    /// Where the client sends the browser.
    pub(super) fn authorization_url(&self, request: &SentRequest) -> String {
        url(&self.issuer.endpoint("/authorize"), &self.parameters(request))
    }

    /// Exchanges a code (RFC 6749 §4.1.3).
    pub(super) fn exchange(&self, code: &str, verifier: &str) -> Result<Answer> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ])
    }

    /// Uses a refresh token (RFC 6749 §6).
    pub(super) fn refresh(&self, refresh_token: &str) -> Result<Answer> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    fn token(&self, form: &[(&str, &str)]) -> Result<Answer> {
        let basic = self.credentials.basic();
        self.http.post(
            &self.issuer.endpoint("/token"),
            &[("Authorization", &basic)],
            form,
        )
    }
}

/// `base` with a query.
pub(super) fn url(base: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("{base}?{query}")
}

/// What the client keeps of an authorization request until the answer comes.
#[derive(Clone)]
pub(super) struct SentRequest {
    /// Ties the answer to the request.
    pub(super) state: String,
    /// Proves at the token endpoint who sent the request (RFC 7636 §4.1).
    pub(super) verifier: String,
    /// What is sent of the verifier.
    pub(super) challenge: String,
}

impl SentRequest {
    pub(super) fn new() -> Result<Self> {
        // The 43 characters of a secret have the form of a verifier.
        let verifier = Secret::generate(&OsEntropy)?.reveal();
        let challenge = CodeVerifier::parse(&verifier)
            .context("a random secret is no code verifier")?
            .challenge()
            .to_text();
        Ok(Self {
            state: Secret::generate(&OsEntropy)?.reveal(),
            verifier,
            challenge,
        })
    }
}
