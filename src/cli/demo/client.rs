//! The client of the demo: what an application has to do to be given an access token.

use anyhow::Result;

use super::http_client::{Answer, HttpClient};
use crate::authorization_server::RegisteredResourceServer;
pub(super) use crate::cli::parties::client::{Credentials, SentRequest, url};
use crate::domain::issuer::Issuer;

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
