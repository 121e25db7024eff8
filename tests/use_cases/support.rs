//! A world to play in: an authorization server on a file of its own, scopes, clients, resource owners, browsers.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use oauthctl::authorization_server::{
    Answer, Answered, AuthorizationServer, CallerError, CheckRefusal, ClientRegistration, Considered,
    Introspection, Passed, Purpose, RegisteredClient, Rules, SecretOrigin,
};
use oauthctl::clock::{ManualClock, Timestamp};
use oauthctl::domain::client::{ClientSettings, RefreshPolicy};
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::coverage::Coverage;
use oauthctl::domain::issuer::Issuer;
use oauthctl::domain::password::Password;
use oauthctl::domain::scope::ScopeSet;
use oauthctl::domain::session::SessionCookie;
use oauthctl::entropy::OsEntropy;
use oauthctl::protocol::check_request::{Asked, request_asked, service_asked};
use oauthctl::protocol::parameters::Parameters;
use oauthctl::protocol::refresh::RetryWindow;
use oauthctl::protocol::token_error::TokenErrorCode;
use oauthctl::protocol::token_request::{GrantType, KNOWN};
use oauthctl::store::{Store, StoreOptions};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use tempfile::TempDir;

/// When every story begins: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// Where requests come from, unless a test says otherwise.
pub(crate) const HERE: &str = "192.0.2.1";
pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const REDIRECT_URI: &str = "https://shop.example/back?shop=1";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);
pub(crate) const FORM_LIFETIME: Duration = Duration::from_secs(600);
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(60);
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
pub(crate) const REFRESH_TOKEN_IDLE: Duration = Duration::from_secs(7 * 86_400);
pub(crate) const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// The clock's grain: just before the end is this much earlier.
pub(crate) const INSTANT: Duration = Duration::from_millis(1);

/// An authorization server on a file of its own.
///
/// It begins with three scopes: `orders` opens the folder `orders`, `place` the service `orders.new:place`, `invoices`
/// the route `GET /invoices/{number}`; and with the resource owner `alice`. When it ends, the file must be whole.
pub(crate) struct World {
    pub(crate) server: AuthorizationServer,
    pub(crate) clock: Arc<ManualClock>,
    rules: Rules,
    // The last field: the directory goes when everything else has.
    directory: TempDir,
}

/// A client with its secret.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What a client gets of the token endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expires_in: Duration,
    pub(crate) scope: String,
}

impl Tokens {
    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().expect("a refresh token")
    }
}

pub(crate) type TokenResult = Result<Tokens, CallerError>;

/// The rules that the settings have when nobody sets them.
pub(crate) fn rules() -> Rules {
    Rules {
        session_lifetime: SESSION_LIFETIME,
        form_lifetime: FORM_LIFETIME,
        refresh_retry_window: RetryWindow::UntilSuccessorIsUsed,
        failures: 10,
        failures_per_address: 100,
        password_hashes: 2,
    }
}

pub(crate) fn store_options(path: PathBuf) -> StoreOptions {
    StoreOptions {
        path,
        busy_timeout: Duration::from_secs(30),
        readers: 4,
        waiting_writes: 256,
    }
}

fn server(path: PathBuf, clock: &Arc<ManualClock>, rules: &Rules) -> AuthorizationServer {
    AuthorizationServer::new(
        Store::open(store_options(path)).unwrap(),
        Arc::clone(clock) as _,
        Arc::new(OsEntropy),
        rules.clone(),
        Issuer::parse(ISSUER).unwrap(),
    )
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_rules(|_| {})
    }

    pub(crate) fn with_rules(change: impl FnOnce(&mut Rules)) -> Self {
        let world = Self::bare(change);
        world.define_scope("orders", |coverage| {
            coverage.folders.insert("orders".parse().unwrap());
        });
        world.define_scope("place", |coverage| {
            coverage.services.insert("orders.new:place".parse().unwrap());
        });
        world.define_scope("invoices", |coverage| {
            coverage.routes.insert("GET /invoices/{number}".parse().unwrap());
        });
        world.add_owner("alice");
        world
    }

    /// Without scopes and resource owners.
    pub(crate) fn bare(change: impl FnOnce(&mut Rules)) -> Self {
        Self::on(|_| {}, change)
    }

    /// On a file that `prepare` makes.
    pub(crate) fn on(prepare: impl FnOnce(PathBuf), change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = rules();
        change(&mut rules);
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path().join("oauthctl.db"));
        let clock = Arc::new(ManualClock::new(START));
        Self {
            server: server(directory.path().join("oauthctl.db"), &clock, &rules),
            clock,
            rules,
            directory,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("oauthctl.db")
    }

    /// Runs `work` when no connection is open any more. To read the file itself while one is would take away its
    /// locks: a process loses all that it has on a file when it closes that file once.
    pub(crate) fn after_closing<T>(self, work: impl FnOnce() -> T) -> T {
        let mut world = self;
        let elsewhere = world.directory.path().join("elsewhere.db");
        drop(std::mem::replace(
            &mut world.server,
            server(elsewhere, &world.clock, &world.rules),
        ));
        work()
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// To the last instant before `span` has gone by.
    pub(crate) fn advance_to_just_before(&self, span: Duration) {
        self.clock.advance(span - INSTANT);
    }

    /// A second server on the same file, as another process would open it.
    pub(crate) fn second_server(&self) -> AuthorizationServer {
        server(self.path(), &self.clock, &self.rules)
    }

    // ---- What administrators do.

    pub(crate) fn define_scope(&self, name: &str, fill: impl FnOnce(&mut Coverage)) {
        let mut coverage = Coverage::default();
        fill(&mut coverage);
        let description = format!("What {name} opens").parse().unwrap();
        self.server
            .define_scope(name.parse().unwrap(), description, coverage)
            .unwrap();
    }

    pub(crate) fn add_owner(&self, username: &str) {
        let password = Password::choose(PASSWORD).unwrap();
        self.server
            .add_owner(username.parse().unwrap(), &password)
            .unwrap();
    }

    /// The client `shop`: may have `orders` and `place`, and refresh as often as it likes.
    pub(crate) fn shop(&self) -> Client {
        self.client("shop", |_| {})
    }

    /// A client like `shop` but for its identifier and for what `change` says.
    pub(crate) fn client(&self, id: &str, change: impl FnOnce(&mut ClientSettings)) -> Client {
        let mut settings = settings(id);
        change(&mut settings);
        let registered = self.register(id, settings);
        Client {
            id: id.to_owned(),
            secret: registered.secret.unwrap().reveal().to_owned(),
        }
    }

    fn register(&self, id: &str, settings: ClientSettings) -> RegisteredClient {
        let registration = ClientRegistration {
            id: Some(id.parse().unwrap()),
            settings,
            secret: SecretOrigin::Generate,
            if_not_exists: false,
        };
        self.server.register_client(registration).unwrap()
    }

    /// A resource server.
    pub(crate) fn resource_server(&self) -> Client {
        let registered = self
            .server
            .register_resource_server("warehouse".parse().unwrap(), None)
            .unwrap();
        Client {
            id: registered.resource_server.id.to_string(),
            secret: registered.secret.reveal().to_owned(),
        }
    }

    /// Changes rows from outside, as another process would. Something must change.
    pub(crate) fn change(&self, sql: &str) {
        let changed = self.connection().execute(sql, []).unwrap();
        assert!(changed > 0, "nothing was changed by {sql}");
    }

    /// One value of the file.
    pub(crate) fn value<T: FromSql>(&self, sql: &str) -> T {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        self.value(&format!("SELECT count(*) FROM {table}"))
    }

    /// A connection of its own to the file.
    pub(crate) fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        connection
    }

    pub(crate) fn disable_client(&self, client: &Client) {
        self.change(&format!(
            "UPDATE clients SET enabled = 0 WHERE client_id = '{}'",
            client.id
        ));
    }

    pub(crate) fn disable_owner(&self, username: &str) {
        self.change(&format!(
            "UPDATE resource_owners SET enabled = 0 WHERE username = '{username}'"
        ));
    }

    pub(crate) fn take_scope(&self, client: &Client, scope: &str) {
        self.change(&format!(
            "DELETE FROM client_scopes WHERE client_key = (SELECT client_key FROM clients WHERE client_id = '{}') \
             AND scope_key = (SELECT scope_key FROM scopes WHERE scope = '{scope}')",
            client.id
        ));
    }

    // ---- What resource owners do, in a browser.

    pub(crate) fn sign_in(&self, username: &str) -> SessionCookie {
        self.server
            .sign_in(username, PASSWORD, None, address(HERE))
            .unwrap()
    }

    pub(crate) fn consider(&self, request: &Request, browser: Option<&SessionCookie>) -> Considered {
        self.server.consider(&request.raw(), browser).unwrap()
    }

    /// The token of the approval form for a request.
    pub(crate) fn form(&self, request: &Request, browser: &SessionCookie) -> String {
        self.server
            .seal_form(browser, Purpose::Answer, &request.raw())
            .unwrap()
    }

    /// Answers the form.
    pub(crate) fn answer(
        &self,
        request: &Request,
        browser: &SessionCookie,
        form: &str,
        answer: Answer,
    ) -> Answered {
        self.server
            .answer(&request.raw(), Some(browser), form, answer, address("127.0.0.1"))
            .unwrap()
    }

    /// Asked for `request`, alice approves `scope`. The authorization code.
    pub(crate) fn approve_as_asked(&self, request: &Request, scope: &str) -> String {
        let browser = self.sign_in("alice");
        self.approve_in(&browser, request, scope)
    }

    /// Asked for `request`, whoever is signed in approves `scope`. The authorization code.
    pub(crate) fn approve_in(&self, browser: &SessionCookie, request: &Request, scope: &str) -> String {
        let form = self.form(request, browser);
        match self.answer(request, browser, &form, approve(scope)) {
            Answered::Redirect(to) => parameter(&to, "code").unwrap(),
            other => panic!("not approved: {other:?}"),
        }
    }

    /// Alice approves `orders` and `place` for a client. The authorization code.
    pub(crate) fn approve(&self, client: &Client) -> String {
        self.approve_as_asked(&Request::of(client), "orders place")
    }

    /// Alice approves for a client, and the client exchanges the code.
    pub(crate) fn tokens(&self, client: &Client) -> Tokens {
        let code = self.approve(client);
        self.exchange(client, &code).unwrap()
    }

    // ---- What clients do.

    /// A request to the token endpoint, with client authentication in the body.
    pub(crate) fn token(&self, client: &Client, parameters: &[(&str, &str)]) -> TokenResult {
        let body = body(client, parameters);
        Self::token_with(&self.server, None, &body, None)
    }

    pub(crate) fn token_with(
        server: &AuthorizationServer,
        authorization: Option<&str>,
        body: &str,
        implied: Option<GrantType>,
    ) -> TokenResult {
        let body = Parameters::parse(body.as_bytes(), &KNOWN);
        let response = server.token(authorization, &body, implied, address(HERE))?;
        Ok(Tokens {
            access: response.access_token.reveal(),
            refresh: response.refresh_token.map(|token| token.reveal()),
            expires_in: response.expires_in,
            scope: response.scope.to_string(),
        })
    }

    /// With everything right.
    pub(crate) fn exchange(&self, client: &Client, code: &str) -> TokenResult {
        self.token(client, &exchange_parameters(code))
    }

    pub(crate) fn refresh(&self, client: &Client, refresh_token: &str) -> TokenResult {
        self.token(client, &refresh_parameters(refresh_token))
    }

    /// Asks for a narrower scope.
    pub(crate) fn refresh_for(&self, client: &Client, refresh_token: &str, scope: &str) -> TokenResult {
        let mut parameters = refresh_parameters(refresh_token).to_vec();
        parameters.push(("scope", scope));
        self.token(client, &parameters)
    }

    pub(crate) fn revoke(&self, client: &Client, token: &str) -> Result<(), CallerError> {
        let body = body(client, &[("token", token)]);
        let body = Parameters::parse(body.as_bytes(), &TOKEN_PARAMETERS);
        self.server.revoke(None, &body, address(HERE))
    }

    /// By a client or a resource server.
    pub(crate) fn introspect(
        &self,
        caller: &Client,
        token: &str,
    ) -> Result<Option<Introspection>, CallerError> {
        let body = body(caller, &[("token", token)]);
        let body = Parameters::parse(body.as_bytes(), &TOKEN_PARAMETERS);
        self.server.introspect(None, &body, address(HERE))
    }

    // ---- What resource servers do.

    pub(crate) fn check(&self, token: &str, asked: &Asked) -> Result<Passed, CheckRefusal> {
        self.server.check_token(token, asked).unwrap()
    }

    /// Whether an access token lists orders, which the scope `orders` opens.
    pub(crate) fn works(&self, token: &str) -> bool {
        self.check(token, &service("orders:list")).is_ok()
    }
}

impl Drop for World {
    /// Whatever happened, the file is whole and every row has what it refers to.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_whole(&self.connection());
        }
    }
}

/// Fails where SQLite finds a fault in the file.
pub(crate) fn assert_whole(connection: &Connection) {
    let integrity: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    let mut statement = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!statement.exists([]).unwrap(), "a row refers to nothing");
}

/// The parameters that the revocation and introspection endpoints know.
pub(crate) const TOKEN_PARAMETERS: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// The settings of `shop`.
pub(crate) fn settings(name: &str) -> ClientSettings {
    ClientSettings {
        name: name.parse().unwrap(),
        description: "Sells things".parse().unwrap(),
        redirect_uris: vec![REDIRECT_URI.parse().unwrap()],
        scopes: scopes("orders place"),
        access_token_lifetime: ACCESS_TOKEN_LIFETIME,
        code_lifetime: CODE_LIFETIME,
        refresh: RefreshPolicy::Unlimited,
        refresh_token_lifetime: REFRESH_TOKEN_LIFETIME,
        refresh_token_idle: REFRESH_TOKEN_IDLE,
        require_pkce: true,
        consent: ConsentPolicy::Always,
    }
}

/// An authorization request, parameter by parameter.
#[derive(Debug, Clone)]
pub(crate) struct Request(Vec<(String, String)>);

impl Request {
    /// With everything that a careful client sends, and no scope.
    pub(crate) fn of(client: &Client) -> Self {
        let request = Self(Vec::new());
        request
            .and("response_type", "code")
            .and("client_id", &client.id)
            .and("redirect_uri", REDIRECT_URI)
            .and("state", "a state & more")
            .and("code_challenge", CHALLENGE)
            .and("code_challenge_method", "S256")
    }

    /// One parameter more, whether it is there already or not.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(found, _)| found != name);
        self
    }

    /// With this value instead.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub(crate) fn raw(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// A body with client authentication and these parameters.
pub(crate) fn body(client: &Client, parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &client.id)
        .append_pair("client_secret", &client.secret)
        .extend_pairs(parameters)
        .finish()
}

/// The header of HTTP Basic.
pub(crate) fn basic(client: &Client) -> String {
    let credentials = format!("{}:{}", client.id, client.secret);
    format!("Basic {}", BASE64.encode(credentials.as_bytes()))
}

pub(crate) fn exchange_parameters(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) fn refresh_parameters(refresh_token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", refresh_token)]
}

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn scopes(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

pub(crate) fn approve(scope: &str) -> Answer {
    Answer::Approve(scopes(scope))
}

pub(crate) fn service(name: &str) -> Asked {
    service_asked(name)
}

pub(crate) fn route(method: &str, path: &str) -> Asked {
    request_asked(method.as_bytes(), path.as_bytes())
}

/// The value of a parameter in the query of a URI.
pub(crate) fn parameter(uri: &str, name: &str) -> Option<String> {
    let (_, query) = uri.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// The standard error of a refusal. Anything else that happened is a surprise.
#[track_caller]
pub(crate) fn error_of<T: std::fmt::Debug>(result: Result<T, CallerError>) -> (TokenErrorCode, String) {
    match result.unwrap_err() {
        CallerError::Refused(error) => (error.code, error.description),
        other => panic!("not refused but {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_invalid_grant(result: TokenResult) {
    assert_eq!(error_of(result).0, TokenErrorCode::InvalidGrant);
}

/// Runs `work` on so many threads at once; what each came back with.
pub(crate) fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let (work, gate) = (&work, &gate);
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    gate.wait();
                    work(number)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
