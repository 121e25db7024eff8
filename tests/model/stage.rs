//! The use cases on a real file, and what the real codes, tokens and identifiers of the steps are.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oauthctl::authorization_server::{AuthorizationServer, ClientRegistration, Rules, SecretOrigin};
use oauthctl::clock::{ManualClock, Timestamp};
use oauthctl::domain::client::{ClientSettings, RefreshPolicy};
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::coverage::Coverage;
use oauthctl::domain::issuer::Issuer;
use oauthctl::domain::password::Password;
use oauthctl::domain::session::SessionCookie;
use oauthctl::entropy::OsEntropy;
use oauthctl::protocol::refresh::RetryWindow;
use oauthctl::store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::operation::{Client, Millis, Owner, Request, SCOPES, SERVICES, Set, Step, Token, Window};

/// When every history begins: 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const REDIRECT_URI: &str = "https://shop.example/back?shop=1";
const SERVER: &str = "warehouse";

/// Who authenticates, with what.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// What came of an authorization request.
pub(crate) struct Asked {
    pub(crate) raw: String,
    pub(crate) token: Option<String>,
    pub(crate) shown: Option<String>,
}

/// A server and a command line on one file, and what they gave away.
pub(crate) struct Stage {
    pub(crate) clock: Arc<ManualClock>,
    server: Option<AuthorizationServer>,
    /// As another process has it; opened when it is first needed.
    cli: OnceCell<AuthorizationServer>,
    rules: Rules,
    pub(crate) cookies: BTreeMap<Owner, SessionCookie>,
    pub(crate) asked: BTreeMap<Step, Asked>,
    pub(crate) requests: BTreeMap<Step, Request>,
    pub(crate) values: BTreeMap<Token, String>,
    /// Tokens by their identifier, grants and remembered approvals by theirs.
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) grants: BTreeMap<String, Step>,
    pub(crate) approvals: BTreeMap<String, Step>,
    /// Every secret that a client ever had, the newest last.
    pub(crate) secrets: BTreeMap<Client, Vec<String>>,
    pub(crate) resource_server: Credentials,
    // The last field: the directory goes when everything else has.
    directory: TempDir,
}

pub(crate) fn millis(span: Millis) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap())
}

/// An instant as a history counts it.
pub(crate) fn at(instant: Timestamp) -> Millis {
    instant.as_millis() - START.as_millis()
}

pub(crate) fn opens(services: Set) -> Coverage {
    let mut coverage = Coverage::default();
    for service in services.members() {
        coverage.services.insert(SERVICES[service].parse().unwrap());
    }
    coverage
}

/// What a client is registered with.
pub(crate) fn settings(client: Client) -> ClientSettings {
    ClientSettings {
        name: client.id().parse().unwrap(),
        description: "".parse().unwrap(),
        redirect_uris: vec![REDIRECT_URI.parse().unwrap()],
        scopes: Set::ALL.scope().parse().unwrap(),
        access_token_lifetime: Duration::from_secs(3600),
        code_lifetime: Duration::from_secs(60),
        refresh: RefreshPolicy::Unlimited,
        refresh_token_lifetime: Duration::from_secs(30 * 86_400),
        refresh_token_idle: Duration::from_secs(7 * 86_400),
        require_pkce: true,
        consent: ConsentPolicy::Always,
    }
}

fn rules(window: Window) -> Rules {
    Rules {
        session_lifetime: millis(crate::model::SESSION),
        form_lifetime: millis(crate::model::FORM),
        refresh_retry_window: match window {
            Window::UntilSuccessorIsUsed => RetryWindow::UntilSuccessorIsUsed,
            Window::AtMost(span) => RetryWindow::AtMost(millis(span)),
        },
        // Throttling has tests of its own.
        failures: 1_000_000,
        failures_per_address: 1_000_000,
        password_hashes: 2,
    }
}

fn open(path: PathBuf, clock: &Arc<ManualClock>, rules: &Rules) -> AuthorizationServer {
    let options = StoreOptions {
        path,
        busy_timeout: Duration::from_secs(30),
        readers: 2,
        waiting_writes: 256,
    };
    AuthorizationServer::new(
        Store::open(options).unwrap(),
        Arc::clone(clock) as _,
        Arc::new(OsEntropy),
        rules.clone(),
        Issuer::parse("https://id.example").unwrap(),
    )
}

/// A directory in memory where there is one: what survives a power cut is for others to prove.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
    in_memory
        .flatten()
        .unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// A file with which every history begins, and the secrets in it.
struct Template {
    bytes: Vec<u8>,
    secrets: BTreeMap<Client, Vec<String>>,
    resource_server: Credentials,
    /// Of `PASSWORD`, with parameters that cost little: a history signs in often.
    password_hash: String,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let directory = directory();
        let path = directory.path().join("oauthctl.db");
        let clock = Arc::new(ManualClock::new(START));
        let server = open(path.clone(), &clock, &rules(Window::UntilSuccessorIsUsed));
        for (scope, name) in SCOPES.iter().enumerate() {
            let description = "What it opens".parse().unwrap();
            server
                .define_scope(name.parse().unwrap(), description, opens(Set::of(scope)))
                .unwrap();
        }
        let secrets = [Client::Shop, Client::Desk].map(|client| {
            let registration = registration(client);
            let registered = server.register_client(registration).unwrap();
            (client, vec![registered.secret.unwrap().reveal().to_owned()])
        });
        for owner in Owner::ALL {
            let password = Password::choose(PASSWORD).unwrap();
            server
                .add_owner(owner.username().parse().unwrap(), &password)
                .unwrap();
        }
        let resource_server = register_server(&server);
        drop(server);
        let password_hash = cheap_hash();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute("UPDATE resource_owners SET password_hash = ?1", [&password_hash])
            .unwrap();
        connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        drop(connection);
        Template {
            bytes: std::fs::read(&path).unwrap(),
            secrets: secrets.into(),
            resource_server,
            password_hash,
        }
    })
}

fn cheap_hash() -> String {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
    let cheap = Params::new(8, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash = hasher
        .hash_password_with_salt(PASSWORD.as_bytes(), b"salt of a test")
        .unwrap();
    hash.to_string()
}

pub(crate) fn registration(client: Client) -> ClientRegistration {
    ClientRegistration {
        id: Some(client.id().parse().unwrap()),
        settings: settings(client),
        secret: SecretOrigin::Generate,
        if_not_exists: false,
    }
}

fn register_server(server: &AuthorizationServer) -> Credentials {
    let registered = server
        .register_resource_server(SERVER.parse().unwrap(), None)
        .unwrap();
    Credentials {
        id: registered.resource_server.id.to_string(),
        secret: registered.secret.reveal().to_owned(),
    }
}

impl Stage {
    pub(crate) fn new(window: Window) -> Self {
        let template = template();
        let directory = directory();
        let path = directory.path().join("oauthctl.db");
        std::fs::write(&path, &template.bytes).unwrap();
        let (clock, rules) = (Arc::new(ManualClock::new(START)), rules(window));
        Self {
            server: Some(open(path, &clock, &rules)),
            cli: OnceCell::new(),
            clock,
            rules,
            cookies: BTreeMap::new(),
            asked: BTreeMap::new(),
            requests: BTreeMap::new(),
            values: BTreeMap::new(),
            tokens: BTreeMap::new(),
            grants: BTreeMap::new(),
            approvals: BTreeMap::new(),
            secrets: template.secrets.clone(),
            resource_server: template.resource_server.clone(),
            directory,
        }
    }

    pub(crate) fn server(&self) -> &AuthorizationServer {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn cli(&self) -> &AuthorizationServer {
        self.cli
            .get_or_init(|| open(self.path(), &self.clock, &self.rules))
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("oauthctl.db")
    }

    /// Both processes end and begin anew.
    pub(crate) fn restart(&mut self) {
        (self.server, self.cli) = (None, OnceCell::new());
        self.clock.advance(Duration::from_millis(1));
        self.server = Some(open(self.path(), &self.clock, &self.rules));
    }

    pub(crate) fn add_owner(
        &self,
        owner: Owner,
    ) -> Result<(), oauthctl::authorization_server::AdministrationError> {
        let password = Password::choose(PASSWORD).unwrap();
        self.cli()
            .add_owner(owner.username().parse().unwrap(), &password)?;
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
            .execute(
                "UPDATE resource_owners SET password_hash = ?1 WHERE username = ?2",
                [&template().password_hash, owner.username()],
            )
            .unwrap();
        Ok(())
    }

    pub(crate) fn register_server(
        &mut self,
    ) -> Result<(), oauthctl::authorization_server::AdministrationError> {
        let registered = self
            .cli()
            .register_resource_server(SERVER.parse().unwrap(), None)?;
        self.resource_server = Credentials {
            id: registered.resource_server.id.to_string(),
            secret: registered.secret.reveal().to_owned(),
        };
        Ok(())
    }

    pub(crate) fn delete_server(&self) -> Result<(), oauthctl::authorization_server::AdministrationError> {
        self.cli()
            .delete_resource_server(self.resource_server.id.parse().unwrap())
            .map(drop)
    }

    /// Fails where SQLite finds a fault in the file.
    pub(crate) fn assert_whole(&self) {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        let found: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, "ok");
        let mut statement = connection.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(!statement.exists([]).unwrap(), "a row refers to nothing");
    }
}
