//! A server in the process of a test: for clients and resource servers that are written in Rust.
//!
//! It is the server as it is, with all its rules, on a free port and a database of its own; so tests at the same time do
//! not meet. It begins with the example of `oauthctl run`: a client with redirect URIs on any port of this machine, a
//! resource server, and resource owners, of whom the first is `alice`.
//!
//! ```
//! use oauthctl::testing::TestServer;
//!
//! let server = TestServer::start()?;
//! assert!(server.token_endpoint().starts_with(server.issuer()));
//! assert_eq!(server.client_id(), "dev-client");
//! # Ok::<(), oauthctl::testing::TestServerError>(())
//! ```
//!
//! ```toml
//! [dev-dependencies]
//! oauthctl = { git = "…", features = ["testing"] }
//! ```

use std::path::Path;

use super::dev::scratch::Scratch;
use super::dev::seed::Seed;
use super::exit::CliError;
use super::parties::http_client::HttpClient;
use super::parties::resource_owner::{Decision, ResourceOwner};
use super::run::environment;
use crate::clock::MovedClock;
use crate::config::Settings;
use crate::http::development::Fault;
use crate::protocol::parameters::Parameters;

/// Why there is no server, or why it did not approve.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TestServerError(String);

impl From<CliError> for TestServerError {
    fn from(error: CliError) -> Self {
        Self(error.to_string())
    }
}

/// A server that answers until this is dropped; then its database goes away.
pub struct TestServer {
    scratch: Scratch,
    variables: Vec<(&'static str, String)>,
}

impl TestServer {
    /// Starts a server with the example.
    ///
    /// # Errors
    /// Whatever keeps a server from starting.
    pub fn start() -> Result<Self, TestServerError> {
        Self::with(Seed::example(&Settings::default().tokens)?)
    }

    /// Starts a server with what a file declares, in the form of `oauthctl apply` with resource owners (`oauthctl run
    /// --seed`).
    ///
    /// # Errors
    /// A file that cannot be read or is refused, and as [`start`](Self::start).
    pub fn seeded(file: &Path) -> Result<Self, TestServerError> {
        Self::with(Seed::read(file, &Settings::default().tokens)?)
    }

    fn with(seed: Seed) -> Result<Self, TestServerError> {
        let scratch = Scratch::start(seed)?;
        let variables = environment::of(&scratch)?;
        Ok(Self { scratch, variables })
    }

    /// What the server calls itself, such as `http://127.0.0.1:40000`.
    pub fn issuer(&self) -> &str {
        self.scratch.issuer().as_str()
    }

    /// Where its metadata lies (RFC 8414).
    pub fn metadata_url(&self) -> String {
        self.scratch.issuer().metadata_url()
    }

    /// The authorization endpoint.
    pub fn authorization_endpoint(&self) -> String {
        self.scratch.issuer().endpoint("/authorize")
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> String {
        self.scratch.issuer().endpoint("/token")
    }

    /// The revocation endpoint (RFC 7009).
    pub fn revocation_endpoint(&self) -> String {
        self.scratch.issuer().endpoint("/revoke")
    }

    /// The introspection endpoint (RFC 7662).
    pub fn introspection_endpoint(&self) -> String {
        self.scratch.issuer().endpoint("/introspect")
    }

    /// Where a resource server or a proxy asks whether a token opens a service.
    pub fn check_endpoint(&self) -> String {
        self.scratch.issuer().endpoint("/check")
    }

    /// The first client; empty where the seed has none.
    pub fn client_id(&self) -> &str {
        self.variable("OAUTH_CLIENT_ID")
    }

    /// Its secret.
    pub fn client_secret(&self) -> &str {
        self.variable("OAUTH_CLIENT_SECRET")
    }

    /// A redirect URI of it; where it is on loopback, any port may stand in it.
    pub fn redirect_uri(&self) -> &str {
        self.variable("OAUTH_REDIRECT_URI")
    }

    /// The first resource server, which may introspect; empty where the seed has none.
    pub fn resource_server_id(&self) -> &str {
        self.variable("OAUTH_RESOURCE_SERVER_ID")
    }

    /// Its secret.
    pub fn resource_server_secret(&self) -> &str {
        self.variable("OAUTH_RESOURCE_SERVER_SECRET")
    }

    /// Names and values that a process is told about this server by: those of `oauthctl run`.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn variable(&self, name: &str) -> &str {
        let mut found = self.environment().filter(|(known, _)| *known == name);
        found.next().map_or("", |(_, value)| value)
    }

    /// The clock by which the server issues and validates: what is to expire in a test need not be waited for.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use oauthctl::clock::Clock;
    /// use oauthctl::testing::TestServer;
    ///
    /// let server = TestServer::start()?;
    /// let before = server.clock().now();
    /// server.clock().advance(Duration::from_secs(2 * 3600))?;
    /// assert!(server.clock().now() >= before.after(Duration::from_secs(2 * 3600)));
    /// server.clock().reset();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It goes to [`LATEST`](crate::clock::LATEST) and no further, and says so where it is asked to.
    pub fn clock(&self) -> &MovedClock {
        &self.scratch.clock
    }

    /// Has the next request at an endpoint fail, in the words of `oauthctl dev fail next`: `authorize`, `token`, `revoke`,
    /// `introspect`, `check`, `account`, `metadata`, `healthz` or `readyz`, and an error code of that endpoint, a status
    /// (429, 500, 502, 503, 504), `slow 3s` or `lost` (the work is done, and the connection closes without an answer). Said
    /// again, the request after that fails.
    ///
    /// ```
    /// use oauthctl::testing::TestServer;
    ///
    /// let server = TestServer::start()?;
    /// server.fail_next("token", "temporarily_unavailable").unwrap_err(); // RFC 6749 has it for the other endpoint
    /// server.fail_next("metadata", "503")?;
    /// let answer = ureq::get(server.metadata_url()).config().proxy(None).build().call();
    /// assert!(matches!(answer, Err(ureq::Error::StatusCode(503))));
    /// assert_eq!(server.forget_faults(), 0, "it was used");
    /// # Ok::<(), oauthctl::testing::TestServerError>(())
    /// ```
    ///
    /// # Errors
    /// There is no such endpoint, it cannot fail so (the error says how it can), or too many faults wait already.
    pub fn fail_next(&self, endpoint: &str, how: &str) -> Result<(), TestServerError> {
        let words: Vec<String> = how.split_whitespace().map(str::to_owned).collect();
        let fault = Fault::parse(endpoint, &words, 1).map_err(|error| TestServerError(error.to_string()))?;
        let development = &self.scratch.development;
        development
            .fail(fault)
            .map_err(|error| TestServerError(error.to_string()))
    }

    /// Forgets the faults that wait for their requests. How many there were: 0 where the client has met each.
    pub fn forget_faults(&self) -> usize {
        self.scratch.development.clear_faults()
    }

    /// Has a resource owner of the seed sign in and approve the authorization request at this URL. Gives the URL that the
    /// browser would be sent to then: the redirect URI with the answer, which may also be an error (RFC 6749 §4.1.2).
    ///
    /// ```
    /// use oauthctl::testing::TestServer;
    ///
    /// let server = TestServer::start()?;
    /// let url = format!(
    ///     "{}?response_type=code&client_id={}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9000%2Fcb&state=s\
    ///      &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
    ///     server.authorization_endpoint(),
    ///     server.client_id(),
    /// );
    /// let answer = server.approve("alice", &url)?;
    /// assert!(answer.starts_with("http://127.0.0.1:9000/cb?code=oac_"));
    /// let answer = server.deny("bob", &url)?;
    /// assert!(answer.contains("error=access_denied"));
    /// # Ok::<(), oauthctl::testing::TestServerError>(())
    /// ```
    ///
    /// # Errors
    /// An owner whom the seed does not have, and a request that is refused without a redirect.
    pub fn approve(&self, username: &str, authorization_url: &str) -> Result<String, TestServerError> {
        self.answer(username, Decision::Approve, authorization_url)
    }

    /// As [`approve`](Self::approve), where the resource owner leaves only these scopes of what is asked for. With none of
    /// them that is a denial.
    ///
    /// # Errors
    /// As [`approve`](Self::approve), and a scope that is not asked for.
    pub fn approve_only(
        &self,
        username: &str,
        scopes: &[&str],
        authorization_url: &str,
    ) -> Result<String, TestServerError> {
        self.answer(username, Decision::ApproveOnly(scopes), authorization_url)
    }

    /// As [`approve`](Self::approve), where the resource owner denies.
    ///
    /// # Errors
    /// As [`approve`](Self::approve).
    pub fn deny(&self, username: &str, authorization_url: &str) -> Result<String, TestServerError> {
        self.answer(username, Decision::Deny, authorization_url)
    }

    fn answer(
        &self,
        username: &str,
        decision: Decision<'_>,
        authorization_url: &str,
    ) -> Result<String, TestServerError> {
        let mut owners = self.scratch.seeded.owners.iter();
        let owner = owners
            .find(|owner| owner.username.as_str() == username)
            .ok_or_else(|| TestServerError(format!("the seed has no resource owner `{username}`")))?;
        let query = authorization_url.split_once('?').map_or("", |(_, query)| query);
        let parameters = Parameters::parse(query.as_bytes(), &["redirect_uri"]);
        let redirect_uri = parameters.get("redirect_uri").unwrap_or(self.redirect_uri());
        let owner = ResourceOwner {
            username,
            password: Some(owner.password.reveal()),
            prefers_button: false,
        };
        owner
            .answer(decision, HttpClient::new(), authorization_url, redirect_uri)
            .map_err(|error| TestServerError(format!("{error:#}")))
    }
}

impl std::fmt::Debug for TestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestServer")
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}
